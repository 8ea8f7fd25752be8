/**
 * Every way an operation can fail, declared once.
 *
 * The exit code is the identity. The JSON-RPC code is -32000 minus it, so
 * either can be turned into the other and nothing is lost on the way back.
 */
export const errorCodes = {
  GENERAL: { exit: 1, retry: false, meaning: 'A bug, or a failure nobody foresaw.' },
  USAGE: { exit: 2, retry: false, meaning: 'The command or its parameters are malformed.' },
  NOT_FOUND: { exit: 3, retry: false, meaning: 'The named thing does not exist.' },
  ALREADY_EXISTS: { exit: 4, retry: false, meaning: 'The name is taken by something different.' },
  PERMISSION: { exit: 5, retry: false, meaning: 'The caller is unknown or not allowed.' },
  DAEMON: { exit: 6, retry: true, meaning: 'The agent or controller is not running.' },
  TIMEOUT: { exit: 7, retry: true, meaning: 'The deadline passed; the outcome is unknown.' },
  NETWORK: { exit: 8, retry: true, meaning: 'The other side could not be reached.' },
  CONFLICT: { exit: 9, retry: true, meaning: 'Someone changed it first; read again.' },
  DEPENDENCY: { exit: 10, retry: true, meaning: 'Something this needs is missing or failed.' },
  RESOURCE: { exit: 11, retry: false, meaning: 'No room: disk, memory, addresses or nodes.' },
  INVALID_CONFIG: { exit: 12, retry: false, meaning: 'A manifest or settings file is wrong.' },
  INTERRUPTED: { exit: 13, retry: false, meaning: 'The caller cancelled.' },
} as const;

export type ErrorCode = keyof typeof errorCodes;

export const exitCode = (code: ErrorCode): number => errorCodes[code].exit;
export const rpcCode = (code: ErrorCode): number => -32000 - errorCodes[code].exit;

const byRpcCode = new Map(Object.keys(errorCodes).map((code) => [rpcCode(code as ErrorCode), code as ErrorCode]));

/**
 * The code behind a JSON-RPC number. The standard's own numbers for malformed
 * requests (JSON-RPC 2.0, section 5.1) are USAGE; any other is GENERAL.
 */
export function codeFromRpc(number: number): ErrorCode {
  if (number === -32700 || (number <= -32600 && number >= -32602)) return 'USAGE';
  return byRpcCode.get(number) ?? 'GENERAL';
}

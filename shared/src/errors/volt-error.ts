import { rpcCode, type ErrorCode } from './codes.ts';

export interface VoltErrorOptions {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly rpc?: -32700 | -32600 | -32601 | -32602;
}

/**
 * The only error that crosses a room, a socket or the terminal.
 *
 * `message` is for the person who asked and names the thing that failed;
 * `hint` tells them what to do; `cause` is for the log and never leaves the
 * machine.
 */
export class VoltError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** The number on the wire. Only the standard's own numbers differ from the code's. */
  readonly rpc: number;

  constructor(code: ErrorCode, message: string, options: VoltErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'VoltError';
    this.code = code;
    this.hint = options.hint;
    this.rpc = options.rpc ?? rpcCode(code);
  }
}

/** Gives every thrown value a code. Called at doors; anything foreign that gets this far is a bug. */
export function toVoltError(thrown: unknown): VoltError {
  if (thrown instanceof VoltError) return thrown;
  if (isAbort(thrown)) return new VoltError('INTERRUPTED', 'Cancelled', { cause: thrown });
  return new VoltError('GENERAL', 'Internal error', { cause: thrown });
}

/** Same code and hint, a message that names the thing, the old error below it. */
export function wrapError(thrown: unknown, message: string): VoltError {
  const inner = toVoltError(thrown);
  return new VoltError(inner.code, `${message}: ${inner.message}`, { hint: inner.hint, cause: inner });
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

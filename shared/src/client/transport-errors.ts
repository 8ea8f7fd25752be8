import { VoltError, type ErrorCode } from '../errors/index.ts';
import { describeTarget, type Target } from './target.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly message: (where: string) => string;
  readonly hint?: string;
}

const daemonDown: Meaning = {
  code: 'DAEMON',
  message: (where) => `The agent does not answer on ${where}`,
  hint: 'systemctl start volt.socket',
};
const notAllowed: Meaning = {
  code: 'PERMISSION',
  message: (where) => `${where} does not accept our certificate`,
  hint: 'volt context show',
};
const notTrusted: Meaning = {
  code: 'PERMISSION',
  message: (where) => `${where} did not show a certificate of its cluster's CA`,
  hint: 'check the CA and the server name: volt context show',
};

const onSocket: Readonly<Record<string, Meaning>> = {
  ENOENT: daemonDown,
  ECONNREFUSED: daemonDown,
  EACCES: { code: 'PERMISSION', message: (where) => `No permission to open ${where}` },
};

const onTls: Readonly<Record<string, Meaning>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: notTrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: notTrusted,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: notAllowed,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: notAllowed,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: notAllowed,
  ERR_SSL_SSL_ALERT_HANDSHAKE_FAILURE: notAllowed,
};

/** What a failure below HTTP means to the person who asked. By code, never by text. */
export function fromTransport(thrown: unknown, target: Target): VoltError {
  if (thrown instanceof VoltError) return thrown;
  const { code, name } = thrown as { code?: string; name?: string };
  if (name === 'AbortError') return new VoltError('INTERRUPTED', 'Cancelled', { cause: thrown });
  if (name === 'TimeoutError') return timedOut(target, thrown);

  const where = describeTarget(target);
  const known = (target.kind === 'socket' ? onSocket : onTls)[code ?? ''];
  if (known !== undefined) return new VoltError(known.code, known.message(where), { hint: known.hint, cause: thrown });
  return target.kind === 'socket'
    ? new VoltError('DAEMON', `The agent at ${where} closed the connection`, {
        hint: 'journalctl -u volt',
        cause: thrown,
      })
    : new VoltError('NETWORK', `No answer from ${where}`, { hint: 'check the address and the network', cause: thrown });
}

export function fromStatus(status: number, target: Target): VoltError {
  const where = describeTarget(target);
  if (status === 401)
    return new VoltError('PERMISSION', `${where} does not know who we are`, { hint: 'volt context show' });
  if (status === 413) return new VoltError('USAGE', 'The request is too large');
  if (status === 404) return new VoltError('USAGE', `${where} does not offer this`, { hint: 'volt context show' });
  return new VoltError('GENERAL', `${where} answered with HTTP status ${status}`);
}

export const agentDown = (target: Target) =>
  new VoltError('DAEMON', daemonDown.message(describeTarget(target)), { hint: 'journalctl -u volt -n 20' });

export const timedOut = (target: Target, cause?: unknown) =>
  new VoltError('TIMEOUT', `No answer from ${describeTarget(target)} in time; the outcome is unknown`, { cause });

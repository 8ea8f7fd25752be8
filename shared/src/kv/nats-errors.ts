/** The one place where NATS's failures become ours, by class and code, never by text. */
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { VoltError, type ErrorCode } from '../errors/index.ts';

/** From the server's errors.json. */
const byApiCode: Record<number, ErrorCode> = {
  10003: 'TIMEOUT', // no quorum
  10005: 'RESOURCE', // no suitable peers for that many replicas
  10008: 'NETWORK', // system temporarily unavailable
  10009: 'NETWORK', // cluster not available: no leader yet
  10023: 'RESOURCE', // insufficient resources
  10039: 'DEPENDENCY', // JetStream not enabled
  10047: 'RESOURCE', // insufficient storage
  10054: 'RESOURCE', // message size exceeds maximum
  10058: 'CONFLICT', // stream name in use with a different configuration
  10059: 'DEPENDENCY', // stream not found
  10071: 'CONFLICT', // wrong last sequence
  10164: 'CONFLICT', // wrong last sequence, on a replica that cannot say which
  10074: 'RESOURCE', // replicas not supported without a cluster
  10077: 'RESOURCE', // store is full
  10076: 'DEPENDENCY', // JetStream not available
};

export const WRONG_LAST_SEQUENCE = 10071;
export const WRONG_LAST_SEQUENCE_UNKNOWN = 10164;
export const STREAM_NOT_FOUND = 10059;

export function translateNats(thrown: unknown, what: string): VoltError {
  if (thrown instanceof VoltError) return thrown;
  const code = codeOf(thrown) ?? causeCodeOf(thrown) ?? 'GENERAL';
  return new VoltError(code, `${what}: ${messages[code] ?? 'the cluster refused it'}`, { cause: thrown });
}

const messages: Partial<Record<ErrorCode, string>> = {
  CONFLICT: 'somebody changed it first',
  TIMEOUT: 'the cluster did not answer in time',
  NETWORK: 'the cluster cannot be reached',
  PERMISSION: 'not allowed with these credentials',
  RESOURCE: 'the cluster has no room for it',
  DEPENDENCY: 'the cluster does not keep that bucket',
  GENERAL: 'internal error',
};

function codeOf(thrown: unknown): ErrorCode | undefined {
  if (thrown instanceof JetStreamApiError) return byApiCode[thrown.code] ?? 'GENERAL';
  // A status instead of an answer: what became of the call is unknown.
  if (thrown instanceof JetStreamError) return 'TIMEOUT';
  if (thrown instanceof errors.PermissionViolationError) return 'PERMISSION';
  if (thrown instanceof errors.AuthorizationError) return 'PERMISSION';
  if (thrown instanceof errors.TimeoutError) return 'TIMEOUT';
  // Nobody serves the subject: JetStream is away, or has no leader for the stream.
  if (thrown instanceof errors.NoRespondersError) return 'NETWORK';
  if (thrown instanceof errors.RequestError) return thrown.isNoResponders() ? 'NETWORK' : causeCodeOf(thrown);
  if (thrown instanceof errors.ClosedConnectionError) return 'NETWORK';
  if (thrown instanceof errors.DrainingConnectionError) return 'NETWORK';
  if (thrown instanceof errors.ConnectionError) return 'NETWORK';
  return undefined;
}

function causeCodeOf(thrown: unknown): ErrorCode | undefined {
  return thrown instanceof Error && thrown.cause !== undefined ? codeOf(thrown.cause) : undefined;
}

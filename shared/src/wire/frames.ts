/**
 * JSON-RPC 2.0 frames, as both ends write and read them.
 *
 * A call is one frame each way on `POST /rpc`. A stream is lines of frames on
 * `POST /stream`: up goes the request, then `input` notifications; down come
 * `event` notifications, then the response. Closing the request body ends the
 * input; closing the connection cancels.
 */
import { codeFromRpc, errorCodes, VoltError, type ErrorCode } from '../errors/index.ts';

export type RpcId = string | number | null;

export interface RpcRequest {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: object;
  readonly id?: RpcId;
}

export interface RpcErrorBody {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type RpcResponse =
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly error: RpcErrorBody };

export const RPC_BODY_BYTES_MAX = 1024 * 1024;
export const BATCH_MAX = 64;
export const STREAM_CONTENT_TYPE = 'application/x-ndjson';

export const INPUT = 'input';
export const EVENT = 'event';

/** JSON-RPC 2.0, section 4: a method by name, params as an object or array, an id that is a string, number or null. */
export function isRequest(value: unknown): value is RpcRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { jsonrpc, method, params, id } = value as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string') return false;
  if (params !== undefined && (typeof params !== 'object' || params === null)) return false;
  return id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
}

export const success = (id: RpcId, result: unknown): RpcResponse => ({ jsonrpc: '2.0', id, result: result ?? null });

export const notification = (method: string, params: unknown) => ({ jsonrpc: '2.0' as const, method, params });

/** The cause stays behind: only what was written for the asker leaves the machine. */
export function failure(id: RpcId, error: VoltError): RpcResponse {
  const data = { code: error.code, exit: errorCodes[error.code].exit, hint: error.hint ?? null };
  return { jsonrpc: '2.0', id, error: { code: error.rpc, message: error.message, data } };
}

/** The error a server sent, as it was thrown there. */
export function fromErrorBody(body: RpcErrorBody): VoltError {
  const data = (typeof body.data === 'object' && body.data !== null ? body.data : {}) as Record<string, unknown>;
  const named = typeof data['code'] === 'string' && data['code'] in errorCodes ? (data['code'] as ErrorCode) : null;
  const hint = typeof data['hint'] === 'string' ? data['hint'] : undefined;
  return new VoltError(named ?? codeFromRpc(body.code), body.message, { hint });
}

/** The calling side of a method table, over the agent's socket or over TLS. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { CallName, EventOf, InputOf, MethodTable, Params, Result, StreamName } from '../rpc/index.ts';
import { STREAM_CONTENT_TYPE } from '../wire/index.ts';
import { callOnce } from './call.ts';
import { callStream } from './stream.ts';
import type { Target } from './target.ts';

export interface ConnectOptions {
  /** Have a controller pass requests on to this node's agent. */
  readonly node?: string | undefined;
  /** 'controller': have an agent pass requests on to a controller. */
  readonly scope?: 'controller' | undefined;
  /** For one call; streams last as long as they last. */
  readonly timeoutMs?: number | undefined;
}

export interface StreamOptions<E, I> {
  readonly signal?: AbortSignal | undefined;
  /** Events are handed over one at a time: the next is read when this has resolved. */
  readonly onEvent: (event: E) => void | Promise<void>;
  readonly input?: AsyncIterable<I> | undefined;
}

export interface Client<T extends MethodTable> {
  /** Rejects with the VoltError the server sent, or DAEMON, NETWORK, TIMEOUT, PERMISSION of the way there. */
  call<N extends CallName<T>>(name: N, params: Params<T[N]>, options?: { signal?: AbortSignal }): Promise<Result<T[N]>>;
  /** Resolves with the result, after the last event was handed over. Rejects as call() does. */
  stream<N extends StreamName<T>>(
    name: N,
    params: Params<T[N]>,
    options: StreamOptions<EventOf<T[N]>, InputOf<T[N]>>,
  ): Promise<Result<T[N]>>;
  close(): void;
}

/** How requests reach the server; what call.ts and stream.ts need to know of it. */
export interface Channel {
  readonly target: Target;
  readonly timeoutMs: number;
  open(path: '/rpc' | '/stream', signal: AbortSignal | undefined): ClientRequest;
}

const CALL_TIMEOUT_MS = 120_000;

/** Nothing is sent before the first call. `table` gives the types; the server has the last word on shapes. */
export function connect<T extends MethodTable>(target: Target, _table: T, options: ConnectOptions = {}): Client<T> {
  const agent = agentFor(target);
  const prefix = prefixFor(options);
  const channel: Channel = {
    target,
    timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS,
    open: (path, signal) => openRequest(target, agent, { path: `${prefix}${path}`, type: contentType(path), signal }),
  };
  return {
    call: (name, params, given) => callOnce(channel, { method: name, params, signal: given?.signal }) as never,
    stream: (name, params, given) => callStream(channel, { method: name, params, ...given } as never) as never,
    close: () => agent.destroy(),
  };
}

function prefixFor({ node, scope }: ConnectOptions): string {
  const start = scope === 'controller' ? '/controller' : '';
  return node === undefined ? start : `${start}/nodes/${encodeURIComponent(node)}`;
}

const contentType = (path: '/rpc' | '/stream') => (path === '/rpc' ? 'application/json' : STREAM_CONTENT_TYPE);

function agentFor(target: Target): HttpAgent {
  if (target.kind === 'socket') return new HttpAgent({ keepAlive: true });
  const { ca, cert, key, serverName, host } = target;
  return new HttpsAgent({ keepAlive: true, ca, cert, key, servername: serverName ?? host, minVersion: 'TLSv1.3' });
}

function openRequest(
  target: Target,
  agent: HttpAgent,
  what: { path: string; type: string; signal: AbortSignal | undefined },
): ClientRequest {
  const { path, type, signal } = what;
  const common = { agent, path, method: 'POST', headers: { 'content-type': type }, ...(signal ? { signal } : {}) };
  if (target.kind === 'socket') return httpRequest({ ...common, socketPath: target.path });
  return httpsRequest({ ...common, host: target.host, port: target.port, ...nameCheck(target) });
}

/** An IP address is no server name for TLS (RFC 6066, section 3), but the certificate is still checked for it. */
function nameCheck(target: Target & { kind: 'tls' }) {
  return target.serverName === undefined ? { servername: '' } : { servername: target.serverName };
}

export type { IncomingMessage };

/** The calling side of a method table, over the agent's socket or over TLS. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { isIP } from 'node:net';
import type { CallName, EventOf, InputOf, MethodTable, Params, Result, StreamName } from '../rpc/index.ts';
import { STREAM_CONTENT_TYPE } from '../wire/index.ts';
import { callOnce } from './call.ts';
import { callStream } from './stream.ts';
import type { Target } from './target.ts';
import { agentDown } from './transport-errors.ts';

export interface ConnectOptions {
  /** Have a controller pass requests on to this node's agent. */
  readonly node?: string | undefined;
  /** 'controller': have an agent pass requests on to a controller. */
  readonly scope?: 'controller' | undefined;
  /** For one call; streams last as long as they last. */
  readonly timeoutMs?: number | undefined;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
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

/**
 * A socket that systemd holds accepts connections even while the agent cannot
 * start. An agent that is there says `100 Continue` (RFC 9110, section 10.1.1)
 * as soon as it has read the headers; one that has not by then is down.
 */
const ALIVE_TIMEOUT_MS = 10_000;

/** Nothing is sent before the first call. `table` gives the types; the server has the last word on shapes. */
export function connect<T extends MethodTable>(target: Target, _table: T, options: ConnectOptions = {}): Client<T> {
  const agent = agentFor(target);
  const prefix = prefixFor(options);
  const channel: Channel = {
    target,
    timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS,
    open: (path, signal) => {
      const headers = { ...options.headers, 'content-type': contentType(path) };
      return openRequest(target, agent, { path: `${prefix}${path}`, headers, signal });
    },
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
  const { ca, cert, key } = target;
  return new (https().Agent)({ keepAlive: true, ca, cert, key, servername: tlsName(target), minVersion: 'TLSv1.3' });
}

function openRequest(
  target: Target,
  agent: HttpAgent,
  what: { path: string; headers: Readonly<Record<string, string>>; signal: AbortSignal | undefined },
): ClientRequest {
  const { path, signal } = what;
  const headers = { ...what.headers, ...(target.kind === 'socket' ? { expect: '100-continue' } : {}) };
  const common = { agent, path, method: 'POST', headers, ...(signal ? { signal } : {}) };
  if (target.kind === 'socket') {
    // Without a server name node:http makes one, and compiles the pattern of all IPv6 addresses for it.
    const overSocket = { ...common, socketPath: target.path, servername: '' };
    return whenAlive(httpRequest(overSocket), target);
  }
  return https().request({ ...common, host: target.host, port: target.port, servername: tlsName(target) });
}

/** Loaded only where a call goes over TLS: most go over the socket, and a command starts sooner without. */
const https = () => process.getBuiltinModule('node:https');

function whenAlive(request: ClientRequest, target: Target): ClientRequest {
  const late = setTimeout(() => request.destroy(agentDown(target)), ALIVE_TIMEOUT_MS);
  for (const event of ['continue', 'response', 'close']) request.once(event, () => clearTimeout(late));
  return request;
}

/** An IP address is no server name for TLS (RFC 6066, section 3); the certificate is checked for it all the same. */
function tlsName({ serverName, host }: Target & { kind: 'tls' }): string {
  return serverName ?? (isIP(host) === 0 ? host : '');
}

/**
 * Passes a request on to another server of ours, as it is, in both directions
 * at once. Who asked travels in a header that the other side believes only
 * from a certificate that may speak for others.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { FastifyInstance } from 'fastify';
import { VoltError } from '../errors/index.ts';
import { failure, STREAM_CONTENT_TYPE } from '../wire/index.ts';
import { speakFor, SPEAKS_FOR_HEADER } from './identity.ts';
import type { Caller } from './caller.ts';

export interface ForwardTarget {
  /** What goes before `/rpc` and `/stream` over there. */
  readonly prefix?: string;
  readonly host: string;
  readonly port: number;
  /** ca, cert, key, agent, servername: what it takes to be let in there. */
  readonly tls: RequestOptions;
}

export interface Forward {
  readonly identify: (request: IncomingMessage) => Caller | undefined;
  /** Where `params` of the path lead. Rejects with what the caller should hear. */
  readonly target: (params: Readonly<Record<string, string>>) => Promise<ForwardTarget>;
}

const CONNECT_TIMEOUT_MS = 5000;

/** Serves `<prefix>/rpc` and `<prefix>/stream` by passing them on. */
export function addForward(app: FastifyInstance, prefix: string, forward: Forward): void {
  app.register(async (scope) => {
    // The bodies are passed through unread; their bounds are checked where they end.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const path of ['rpc', 'stream'] as const) {
      scope.post(`${prefix}/${path}`, async (request, reply) => {
        const caller = forward.identify(request.raw);
        if (caller === undefined) return reply.code(401).send();
        reply.hijack();
        try {
          const target = await forward.target(request.params as Record<string, string>);
          await pass(request.raw, reply.raw, { target, path: `${target.prefix ?? ''}/${path}`, caller });
        } catch (thrown) {
          answer(reply.raw, path, thrown);
        }
      });
    }
  });
}

function pass(
  incoming: IncomingMessage,
  response: ServerResponse,
  onward: { target: ForwardTarget; path: string; caller: Caller },
): Promise<void> {
  const { target, path, caller } = onward;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const outgoing = httpsRequest({
    ...target.tls,
    host: target.host,
    port: target.port,
    path,
    method: 'POST',
    headers: { 'content-type': incoming.headers['content-type'], [SPEAKS_FOR_HEADER]: speakFor(caller) },
  });
  const tooLong = setTimeout(() => outgoing.destroy(unreachable(target)), CONNECT_TIMEOUT_MS);
  outgoing.once('socket', (socket) => {
    // One that was kept from an earlier request is open already, and outlives many of them.
    if (socket.connecting) socket.once('secureConnect', () => clearTimeout(tooLong));
    else clearTimeout(tooLong);
  });
  outgoing.once('response', (answered) => {
    const type = answered.headers['content-type'];
    // A bare refusal has none.
    response.writeHead(answered.statusCode ?? 502, type === undefined ? {} : { 'content-type': type });
    response.flushHeaders();
    answered.pipe(response);
    answered.once('error', () => response.destroy());
    answered.once('close', resolve);
  });
  outgoing.once('error', (cause) => {
    clearTimeout(tooLong);
    if (response.headersSent) response.destroy();
    reject(cause instanceof VoltError ? cause : unreachable(target, cause));
  });
  response.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
  return promise;
}

const unreachable = (target: ForwardTarget, cause?: unknown) =>
  new VoltError('NETWORK', `No answer from ${target.host}:${target.port}`, { cause, hint: 'volt node list' });

/** The caller's id is in a body we have not read: null is what the standard has for that. */
function answer(response: ServerResponse, path: 'rpc' | 'stream', thrown: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const error = thrown instanceof VoltError ? thrown : new VoltError('GENERAL', 'Internal error', { cause: thrown });
  const type = path === 'rpc' ? 'application/json' : STREAM_CONTENT_TYPE;
  response.writeHead(200, { 'content-type': type });
  response.end(`${JSON.stringify(failure(null, error))}\n`);
}

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { VoltError } from '../errors/index.ts';
import { dispatch, type MethodTable } from '../rpc/index.ts';
import {
  EVENT,
  failure,
  INPUT,
  isRequest,
  lines,
  notification,
  STREAM_CONTENT_TYPE,
  success,
  type RpcRequest,
} from '../wire/index.ts';
import type { Caller } from './caller.ts';
import { reported } from './rpc-route.ts';
import type { Service } from './service.ts';

/**
 * `POST <prefix>/stream`: one request and its events, as lines of JSON in a
 * chunked body each way. Works with `curl -N`, over any proxy that streams,
 * and needs no second protocol.
 */
export function addStreamRoute<T extends MethodTable>(app: FastifyInstance, service: Service<T>): void {
  app.addContentTypeParser(STREAM_CONTENT_TYPE, (_request, _payload, done) => done(null));
  app.post('/stream', async (request, reply) => {
    const caller = service.identify(request.raw);
    if (caller === undefined) return reply.code(401).send();
    reply.hijack();
    await serve(service, caller, request.raw, reply.raw);
  });
}

async function serve<T extends MethodTable>(
  service: Service<T>,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  request.on('error', () => gone.abort());
  response.on('error', () => gone.abort());
  response.writeHead(200, { 'content-type': STREAM_CONTENT_TYPE, 'cache-control': 'no-store' });
  // Whoever waits for the first event must see that the stream is open.
  response.flushHeaders();

  const frames = lines(request)[Symbol.asyncIterator]();
  let id: RpcRequest['id'] = null;
  try {
    const call = parseCall((await frames.next()).value);
    id = call.id ?? null;
    const emit = (event: unknown) => write(response, notification(EVENT, event), gone.signal);
    const isWatch = Object.hasOwn(service.table, call.method) && service.table[call.method]!.audit === 'none';
    const tracked = { method: call.method, caller: caller.name, since: Date.now(), isWatch };
    const input = inputOf(service, call.method, frames);
    const result = await service.pending.track(tracked, () =>
      dispatch(service, { method: call.method, params: call.params, caller, signal: gone.signal, emit, input }),
    );
    await write(response, success(id, result), gone.signal);
  } catch (thrown) {
    if (!gone.signal.aborted)
      await write(response, failure(id, reported(service, thrown)), gone.signal).catch(() => {});
  } finally {
    response.end();
    // A caller that is still sending would otherwise hold the connection open.
    request.resume();
  }
}

function parseCall(line: string | undefined): RpcRequest {
  const parsed = parseLine(line ?? '');
  if (!isRequest(parsed)) {
    throw new VoltError('USAGE', 'The first line is not a JSON-RPC 2.0 request', { rpc: -32600 });
  }
  return parsed;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new VoltError('USAGE', 'A line of the stream is not JSON', { rpc: -32700 });
  }
}

/** What the caller sends after its request, checked against the row. */
async function* inputOf<T extends MethodTable>(
  service: Service<T>,
  method: string,
  frames: AsyncIterator<string>,
): AsyncGenerator<never> {
  const schema = Object.hasOwn(service.table, method) ? service.table[method]!.input : undefined;
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    if (next.value === '') continue;
    const frame = parseLine(next.value);
    const isInput = isRequest(frame) && frame.method === INPUT && frame.id === undefined;
    const parsed = isInput ? schema?.safeParse(frame.params) : undefined;
    if (parsed?.success !== true) throw new VoltError('USAGE', `'${method}' does not take this input`, { rpc: -32602 });
    yield parsed.data as never;
  }
}

/** Resolves when there is room for more, so that a slow reader slows its source and fills no memory. */
async function write(response: ServerResponse, frame: unknown, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (response.write(`${JSON.stringify(frame)}\n`)) return;
  await once(response, 'drain', { signal });
}

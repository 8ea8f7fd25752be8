import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { VoltError } from '../errors/index.ts';
import { EVENT, INPUT, lines, notification } from '../wire/index.ts';
import { unpack } from './call.ts';
import type { Channel, StreamOptions } from './connect.ts';
import { fromStatus, fromTransport } from './transport-errors.ts';

export interface StreamRequest extends StreamOptions<unknown, unknown> {
  readonly method: string;
  readonly params: object;
}

/** Sends the request and what `input` gives, hands over events, resolves with the result. */
export async function callStream(channel: Channel, asked: StreamRequest): Promise<unknown> {
  const request = channel.open('/stream', asked.signal);
  const finished = new AbortController();
  try {
    // One error rejects below; those that follow it, or the answer, have nobody left to hear them.
    request.on('error', () => {});
    request.write(frame({ jsonrpc: '2.0', id: 1, method: asked.method, params: asked.params }));
    const sending = send(request, asked.input, finished.signal);
    // Input that fails ends the stream; the reader below then reports it.
    sending.catch((thrown: unknown) => request.destroy(thrown as Error));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) {
      response.resume();
      throw fromStatus(response.statusCode ?? 0, channel.target);
    }
    return await receive(response, asked);
  } catch (thrown) {
    if (asked.signal?.aborted === true) throw new VoltError('INTERRUPTED', 'Cancelled', { cause: thrown });
    throw fromTransport(thrown, channel.target);
  } finally {
    finished.abort();
    request.destroy();
  }
}

const frame = (value: unknown) => `${JSON.stringify(value)}\n`;

async function send(
  request: ClientRequest,
  input: AsyncIterable<unknown> | undefined,
  finished: AbortSignal,
): Promise<void> {
  for await (const item of input ?? []) {
    if (finished.aborted) return;
    if (!request.write(frame(notification(INPUT, item)))) await once(request, 'drain', { signal: finished });
  }
  if (!finished.aborted) request.end();
}

async function receive(response: IncomingMessage, { onEvent, signal }: StreamRequest): Promise<unknown> {
  for await (const line of lines(response)) {
    const received = JSON.parse(line) as { method?: string; params?: unknown };
    if (received.method === EVENT) await onEvent(received.params);
    else return unpack(received);
    signal?.throwIfAborted();
  }
  throw new VoltError('NETWORK', 'The stream ended before its result', { hint: 'try again' });
}

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { VoltError } from '../errors/index.ts';
import { fromErrorBody, type RpcErrorBody } from '../wire/index.ts';
import type { Channel } from './connect.ts';
import { fromStatus, fromTransport, timedOut } from './transport-errors.ts';

/** An answer larger than this is a broken server, not a long list. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export interface CallRequest {
  readonly method: string;
  readonly params: object;
  readonly signal?: AbortSignal | undefined;
}

export async function callOnce(channel: Channel, { method, params, signal }: CallRequest): Promise<unknown> {
  const deadline = AbortSignal.timeout(channel.timeoutMs);
  const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const request = channel.open('/rpc', either);
    // One error rejects below; those that follow it, or the answer, have nobody left to hear them.
    request.on('error', () => {});
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const text = await readAll(response);
    if (response.statusCode !== 200) throw fromStatus(response.statusCode ?? 0, channel.target);
    return unpack(JSON.parse(text));
  } catch (thrown) {
    if (deadline.aborted && signal?.aborted !== true) throw timedOut(channel.target, thrown);
    throw fromTransport(thrown, channel.target);
  }
}

/** The result in a response frame, or the error in it, thrown. */
export function unpack(frame: unknown): unknown {
  const { error, result } = (frame ?? {}) as { error?: RpcErrorBody; result?: unknown };
  if (error !== undefined) throw fromErrorBody(error);
  return result;
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new VoltError('GENERAL', 'The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

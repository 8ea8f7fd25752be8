import { VoltError } from '../errors/index.ts';

/** One frame of a stream is one line; larger ones are cut into several events by whoever sends them. */
export const LINE_BYTES_MAX = 1024 * 1024;

/**
 * Splits a byte stream into its lines, without their ends. A last line without
 * an end counts. Rejects with USAGE when a line is longer than LINE_BYTES_MAX,
 * before it has been kept whole.
 */
export async function* lines(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    let rest =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      yield Buffer.concat(parts).toString('utf8');
      rest = rest.subarray(end + 1);
      parts = [];
      size = 0;
    }
    size += rest.length;
    if (size > LINE_BYTES_MAX) throw new VoltError('USAGE', `A line is longer than ${LINE_BYTES_MAX} bytes`);
    if (rest.length > 0) parts.push(rest);
  }
  if (size > 0) yield Buffer.concat(parts).toString('utf8');
}

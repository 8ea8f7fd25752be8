import { VoltError } from '@volt/shared/errors';
import { GIVEN_BYTES_MAX } from '@volt/shared/model';

/** All that is sent. Throws USAGE for nothing, and as soon as it is too much. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > GIVEN_BYTES_MAX) throw new VoltError('USAGE', `What is given is more than ${GIVEN_BYTES_MAX} bytes`);
    parts.push(chunk);
  }
  if (size === 0) throw new VoltError('USAGE', 'There is nothing in what is given');
  return Buffer.concat(parts);
}

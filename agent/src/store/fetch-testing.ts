/** For tests of objects on the wire: stores to send from, and peers in front of them. */
import { INLINE_BYTES_MAX } from './ingest.ts';
import type { ObjectSource } from './object-source.ts';
import type { TempStore } from './testing.ts';
import { serveObjects } from './transfer.ts';

export async function join(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Objects of many sizes, the large ones streamed. */
export async function fill(store: TempStore): Promise<Map<string, number>> {
  await using batch = store.objects.ingest();
  const wanted = new Map<string, number>();
  for (const size of [0, 1, 100, 5000, 300_000, INLINE_BYTES_MAX + 1, 3 * INLINE_BYTES_MAX]) {
    const { digest } = await batch.putStream(inChunks(Buffer.alloc(size, `${size}`), 100_000));
    wanted.set(digest, size);
  }
  for (let n = 0; n < 50; n++) wanted.set(await batch.putBytes(Buffer.from(`small ${n + 10}`)), 8);
  await batch.commit();
  return wanted;
}

export const peerOf = (name: string, store: TempStore): ObjectSource & { asked: number } => ({
  name,
  asked: 0,
  async fetch(digests) {
    this.asked += digests.length;
    return serveObjects(store.objects, digests);
  },
});

export const hasAll = (store: TempStore, wanted: ReadonlyMap<string, number>): boolean =>
  [...wanted.keys()].every((digest) => store.objects.has(digest));

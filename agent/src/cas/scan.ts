/** Reads a manifest for its links, and says whether what was read is what the name promises. */
import { type Digest, type Link, linksOf, type Store } from '../store/index.ts';

/** Calls `onLink` for each link. Links of an object that turns out not to be 'ok' mean nothing. */
export async function scanManifest(
  { objects }: Store,
  digest: Digest,
  onLink: (link: Link) => void,
): Promise<'ok' | 'damaged' | 'absent'> {
  const object = await objects.open(digest);
  if (object === undefined) return 'absent';
  const hasher = objects.hash.start();
  async function* hashed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hasher.update(chunk);
      yield chunk;
    }
  }
  try {
    for await (const link of linksOf(hashed(object.chunks))) onLink(link);
    if (hasher.end() === digest) return 'ok';
  } finally {
    hasher.dispose();
  }
  // Named by another hash, no manifest and so not read to its end, or damaged.
  return objects.verify(digest);
}

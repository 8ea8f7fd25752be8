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
  const chunks = object.chunks[Symbol.asyncIterator]();
  const hasher = objects.hash.start();
  /** Can be left early and gone on with: contents are hashed to their end even where the links end before it. */
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      hasher.update(next.value);
      yield next.value;
    }
  }
  try {
    for await (const link of linksOf(hashed())) onLink(link);
    for await (const _chunk of hashed());
    if (hasher.end() === digest) return 'ok';
  } finally {
    await chunks.return?.();
    hasher.dispose();
  }
  // Named by another hash, or damaged: few manifests are, and those are small.
  return objects.verify(digest);
}

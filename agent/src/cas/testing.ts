/** For tests: graphs of objects made by hand in a store of their own. */
import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type Digest, encodeTree, type Ingest, type Inode, makeTree, type Store } from '../store/index.ts';

const plain = { uid: 0, gid: 0, mtime: '1700000000' };

export const { signal } = new AbortController();

/** Path to text; the same text twice is the same object. */
type Files = Readonly<Record<string, string>>;

export async function putTree(batch: Ingest, files: Files): Promise<Digest> {
  const inodes = new Map<string, Inode>();
  for (const [path, text] of Object.entries(files)) {
    const digest = await batch.putBytes(Buffer.from(text));
    inodes.set(path, { type: 'file', ...plain, mode: 0o644, sizeBytes: Buffer.byteLength(text), digest });
  }
  return batch.putBytes(encodeTree(makeTree(inodes)));
}

/** The manifest of an image, as far as the store looks at it. */
export const putManifest = (batch: Ingest, tree: Digest): Promise<Digest> =>
  batch.putBytes(Buffer.from(`${JSON.stringify({ kind: 'volt.image.v1', tree })}\n`));

/** An image with a name; resolves with its tree. */
export async function putImage(store: Store, name: string, files: Files): Promise<Digest> {
  await using batch = store.objects.ingest();
  const tree = await putTree(batch, files);
  const manifest = await putManifest(batch, tree);
  await batch.commit();
  await store.refs.images.set(name, 'latest', manifest);
  return tree;
}

export async function allObjects(store: Store): Promise<Digest[]> {
  return (await Array.fromAsync(store.objects.list())).toSorted();
}

/** Turns one bit of an object over, as a bad disk would: nothing else of the file changes. */
export function flipBit(store: Store, digest: Digest, at = 0): void {
  const path = store.objects.pathOf(digest);
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  const { mode, mtime } = statSync(path);
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  utimesSync(path, mtime, mtime);
}

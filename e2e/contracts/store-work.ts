/** Work on a store as agents do it, with few contents so that works meet: what one gives up another finds. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cas } from '@volt/agent/cas';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import {
  contentsOf,
  decodeTree,
  encodeTree,
  fetchObjects,
  type Inode,
  makeTree,
  openStore,
  serveObjects,
  type Store,
} from '@volt/agent/store';

export const { signal } = new AbortController();

export const any = (below: number): number => Math.floor(Math.random() * below);

/** In memory, where nobody waits for a disk: more happens in the same time. */
export const makeFolder = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'volt-store-'));

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export function openAt(folder: string): Promise<Store> {
  const options = { programs: new NodePrograms(), specials: kernelSpecialFiles, lowers: 'hardlink' } as const;
  return openStore({ root: join(folder, 'cas'), images: join(folder, 'images'), ...options });
}

export const casOf = (store: Store): Cas =>
  new Cas({ store, treesInUse: async () => [], peers: async () => [], now: () => new Date() });

export interface Written {
  readonly files: number;
  /** How many different contents there are. */
  readonly texts: number;
}

/** A tree of a few files, named when all of it is there. Resolves with the tree. */
export async function writeTree(store: Store, name: string, { files, texts }: Written): Promise<string> {
  using hold = store.holds.open();
  await using batch = store.objects.ingest({ hold });
  const inodes = new Map<string, Inode>();
  for (let file = 0; file < files; file++) {
    const text = `text ${any(texts)}`;
    const digest = await batch.putBytes(Buffer.from(text));
    const plain = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
    inodes.set(`f${file}`, { type: 'file', ...plain, sizeBytes: text.length, digest });
  }
  const tree = await batch.putBytes(encodeTree(makeTree(inodes)));
  await batch.commit();
  await store.refs.manifests.set(name, 'latest', tree);
  return tree;
}

/** Fetches a tree and its files from another store, then names it. */
export async function pullTree(store: Store, from: Store, { tree, name }: { tree: string; name: string }) {
  using hold = store.holds.open();
  const peers = [{ name: 'peer', fetch: async (digests: readonly string[]) => serveObjects(from.objects, digests) }];
  const fetchMissing = async (wanted: ReadonlyMap<string, number>) => {
    for (const digest of wanted.keys()) hold.add(digest);
    const missing = new Map([...wanted].filter(([digest]) => !store.objects.has(digest)));
    await fetchObjects({ store, wanted: missing, peers, hold, signal });
  };
  await fetchMissing(new Map([[tree, 0]]));
  await fetchMissing(contentsOf(decodeTree(store.objects.read(tree))));
  await store.refs.images.set(name, 'latest', tree);
}

/** Garbage is collected over and over beside writers and readers that use the same few contents: nothing is lost. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Cas } from '@volt/agent/cas';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import { decodeTree, contentsOf, encodeTree, makeTree, openStore, type Inode, type Store } from '@volt/agent/store';
import { expect, onTestFinished, test } from 'vitest';

const WRITERS = 8;
const READERS = 8;
/** Few, so that what one gives up another finds, at the moment when it is garbage. */
const TEXTS = 16;
const FILES = 2;
/** Until so many were written: the more, the likelier that a collection comes between two steps. */
const TREES = 1000;
/** In memory, where nobody waits for a disk. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const { signal } = new AbortController();

async function openTemporary(): Promise<Store> {
  const folder = mkdtempSync(join(FOLDER, 'volt-collect-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const options = { programs: new NodePrograms(), specials: kernelSpecialFiles, lowers: 'hardlink' } as const;
  return openStore({ root: join(folder, 'cas'), images: join(folder, 'images'), ...options });
}

const any = (below: number): number => Math.floor(Math.random() * below);

async function writeTree(store: Store, name: string): Promise<void> {
  using hold = store.holds.open();
  await using batch = store.objects.ingest({ hold });
  const inodes = new Map<string, Inode>();
  for (let file = 0; file < FILES; file++) {
    const text = `text ${any(TEXTS)}`;
    const digest = await batch.putBytes(Buffer.from(text));
    const plain = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
    inodes.set(`f${file}`, { type: 'file', ...plain, sizeBytes: text.length, digest });
  }
  const tree = await batch.putBytes(encodeTree(makeTree(inodes)));
  await batch.commit();
  await store.refs.manifests.set(name, 'latest', tree);
}

/** Says what is lacking, provided that the name means the same before and after. */
function lackingOf(store: Store, name: string): string[] {
  const tree = store.refs.manifests.get(name, 'latest');
  if (tree === undefined) return [];
  if (!store.objects.has(tree)) return [`${name}: its tree`];
  const contents = contentsOf(decodeTree(store.objects.read(tree)));
  return [...contents.keys()].filter((digest) => !store.objects.has(digest)).map((digest) => `${name}: ${digest}`);
}

test('no object that a name reaches is lost, and no garbage stays', { timeout: 120_000 }, async () => {
  const store = await openTemporary();
  const cas = new Cas({ store, treesInUse: async () => [], peers: async () => [], now: () => new Date() });
  const lacking: string[] = [];
  let isOver = false;
  let written = 0;
  const nameOf = (writer: number) => `w${writer}-${any(2)}`;

  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (!isOver) {
      const name = nameOf(writer);
      await writeTree(store, name);
      written++;
      lacking.push(...lackingOf(store, name));
      if (any(4) > 0) store.refs.manifests.delete(nameOf(writer), 'latest');
    }
  });
  const readers = Array.from({ length: READERS }, async () => {
    while (!isOver) {
      await setImmediate();
      lacking.push(...lackingOf(store, nameOf(any(WRITERS))));
    }
  });
  let collected = 0;
  while (written < TREES) {
    collected += (await cas.collect(false, { signal })).objects;
    await setImmediate();
  }
  isOver = true;
  await Promise.all([...writers, ...readers]);

  expect(lacking).toEqual([]);
  expect(collected).toBeGreaterThan(TREES / 4);
  expect(await cas.verify({ signal })).toMatchObject({ damaged: 0, missing: 0 });
  await cas.collect(false, { signal });
  expect(await cas.collect(true, { signal })).toMatchObject({ objects: 0, held: 0, leftovers: 0 });
});

/** Garbage is collected over and over beside writers and readers that use the same few contents: nothing is lost. */
import { setImmediate } from 'node:timers/promises';
import { contentsOf, decodeTree, type Store } from '@volt/agent/store';
import { expect, onTestFinished, test } from 'vitest';
import { any, casOf, makeFolder, openAt, removeFolder, signal, writeTree } from './store-work.ts';

const WRITERS = 8;
const READERS = 8;
/** Few, so that what one gives up another finds, at the moment when it is garbage. */
const TEXTS = 16;
const FILES = 2;
/** Until so many were written: the more, the likelier that a collection comes between two steps. */
const TREES = 2000;

/** Says what is lacking, provided that the name means the same before and after. */
function lackingOf(store: Store, name: string): string[] {
  const tree = store.refs.manifests.get(name, 'latest');
  if (tree === undefined) return [];
  if (!store.objects.has(tree)) return [`${name}: its tree`];
  const contents = contentsOf(decodeTree(store.objects.read(tree)));
  return [...contents.keys()].filter((digest) => !store.objects.has(digest)).map((digest) => `${name}: ${digest}`);
}

test('no object that a name reaches is lost, and no garbage stays', { timeout: 120_000 }, async () => {
  const folder = makeFolder();
  onTestFinished(() => removeFolder(folder));
  const store = await openAt(folder);
  const cas = casOf(store);
  const lacking: string[] = [];
  const progress = { written: 0, isOver: false };
  const nameOf = (writer: number) => `w${writer}-${any(2)}`;

  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (!progress.isOver) {
      // What finds all that it would write waits for nothing, and would keep everybody waiting.
      await setImmediate();
      const name = nameOf(writer);
      await writeTree(store, name, { files: FILES, texts: TEXTS });
      progress.written++;
      lacking.push(...lackingOf(store, name));
      if (any(4) > 0) store.refs.manifests.delete(nameOf(writer), 'latest');
    }
  });
  const readers = Array.from({ length: READERS }, async () => {
    while (!progress.isOver) {
      await setImmediate();
      lacking.push(...lackingOf(store, nameOf(any(WRITERS))));
    }
  });
  let collected = 0;
  while (progress.written < TREES) {
    collected += (await cas.collect(false, { signal })).objects;
    await setImmediate();
  }
  progress.isOver = true;
  await Promise.all([...writers, ...readers]);

  expect(lacking).toEqual([]);
  expect(collected).toBeGreaterThan(WRITERS);
  expect(await cas.verify({ signal })).toMatchObject({ damaged: 0, missing: 0 });
  await cas.collect(false, { signal });
  expect(await cas.collect(true, { signal })).toMatchObject({ objects: 0, held: 0, leftovers: 0 });
});

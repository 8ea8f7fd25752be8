import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digest, Holds, Store } from '../store/index.ts';
import { tempFolder, tempStore } from '../store/testing.ts';
import { collect, type Collect } from './collect.ts';
import { allObjects, flipBit, putImage, putManifest, putTree, signal } from './testing.ts';

const NOW = new Date('2026-01-02T00:00:00Z');

const gc = (store: Store, options: Partial<Collect> = {}) =>
  collect({ store, treesInUse: async () => [], dryRun: false, now: () => NOW, signal, ...options });

test('what a name reaches stays, and what it no longer reaches goes', async () => {
  const store = await tempStore();
  await putImage(store, 'web', { 'bin/sh': 'shell', 'etc/web': 'web' });
  const before = await allObjects(store);
  await putImage(store, 'db', { 'bin/sh': 'shell', 'etc/db': 'four' });
  expect(await gc(store)).toMatchObject({ objects: 0, freedBytes: 0, kept: before.length + 3 });
  store.refs.images.delete('db', 'latest');
  expect(await gc(store)).toMatchObject({ dryRun: false, objects: 3, kept: before.length, held: 0, lowers: 0 });
  expect(await allObjects(store)).toEqual(before);
});

/** Contents by number, trees of contents, images of trees; names, pins, containers and holds on any of them. */
const Graph = fc.record({
  trees: fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 5 }), { minLength: 1, maxLength: 5 }),
  images: fc.array(fc.nat(4), { maxLength: 4 }),
  named: fc.array(fc.nat(3), { maxLength: 3 }),
  manifests: fc.array(fc.nat(4), { maxLength: 2 }),
  pinned: fc.array(fc.nat(9), { maxLength: 2 }),
  used: fc.array(fc.nat(4), { maxLength: 2 }),
  held: fc.array(fc.nat(9), { maxLength: 2 }),
});

test(
  'exactly what is reached or held stays, for any graph, and a dry run says what will go',
  { timeout: 30_000 },
  async () => {
    const folder = tempFolder();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(Graph, async (graph) => {
        const store = await tempStore(join(folder, String(runs++)));
        const treeAt = (at: number) => at % graph.trees.length;
        await using batch = store.objects.ingest();
        const put = (text: string) => batch.putBytes(Buffer.from(text));
        const contents = await Promise.all(Array.from({ length: 10 }, (_, at) => put(String(at))));
        const only = await Promise.all(graph.trees.map((_, at) => put(`only of tree ${at}`)));
        const trees: Digest[] = [];
        for (const [at, files] of graph.trees.entries()) {
          const shared = files.map((file) => [`f${file}`, String(file)] as const);
          trees.push(await putTree(batch, Object.fromEntries([...shared, ['only', `only of tree ${at}`]])));
        }
        const images = await Promise.all(graph.images.map((at) => putManifest(batch, trees[treeAt(at)]!)));
        await batch.commit();
        await batch[Symbol.asyncDispose]();
        const reached = new Set<Digest>();
        const reachTree = (at: number) =>
          [trees[at]!, only[at]!, ...graph.trees[at]!.map((file) => contents[file]!)].forEach((one) =>
            reached.add(one),
          );
        for (const [at, image] of graph.named.entries()) {
          if (images.length === 0) break;
          const which = image % images.length;
          await store.refs.images.set(`i${at}`, 'latest', images[which]!);
          reached.add(images[which]!);
          reachTree(treeAt(graph.images[which]!));
        }
        for (const [at, tree] of graph.manifests.entries()) {
          await store.refs.manifests.set(`m${at}`, 'latest', trees[treeAt(tree)]!);
          reachTree(treeAt(tree));
        }
        for (const [at, file] of graph.pinned.entries()) {
          await store.refs.pins.set(`p${at}`, 'latest', contents[file]!);
          reached.add(contents[file]!);
        }
        graph.used.forEach((tree) => reachTree(treeAt(tree)));
        using hold = store.holds.open();
        graph.held.forEach((file) => {
          hold.add(contents[file]!);
          reached.add(contents[file]!);
        });
        const treesInUse = async () => graph.used.map((tree) => trees[treeAt(tree)]!);
        const before = await allObjects(store);
        const foretold = await gc(store, { treesInUse, dryRun: true });
        expect(await allObjects(store)).toEqual(before);
        const collected = await gc(store, { treesInUse });
        expect(await allObjects(store)).toEqual([...reached].toSorted());
        expect(foretold).toEqual({ ...collected, dryRun: true });
        expect(collected.objects).toBe(before.length - reached.size);
      }),
      { numRuns: 15 },
    );
  },
);

test('a lower that no name reaches goes before its objects, and all the disk it took is told', async () => {
  const store = await tempStore();
  const large = 'x'.repeat(100_000);
  const tree = await putImage(store, 'web', { large, small: 'small' });
  const kept = await putImage(store, 'db', { large });
  await store.lowers.materialise(tree);
  await store.lowers.materialise(kept);
  store.refs.images.delete('web', 'latest');
  const foretold = await gc(store, { dryRun: true });
  expect(store.lowers.list().toSorted()).toEqual([tree, kept].toSorted());
  const collected = await gc(store);
  expect(foretold).toEqual({ ...collected, dryRun: true });
  expect(store.lowers.list()).toEqual([kept]);
  expect(collected).toMatchObject({ lowers: 1, objects: 3 });
  // The large file is still there: what went are two folders and three small objects.
  expect(collected.freedBytes).toBeLessThan(100_000);
  expect(collected.freedBytes).toBeGreaterThanOrEqual(5 * 4096);
});

test('an object whose contents a lower keeps frees no disk, and the report does not claim it', async () => {
  const store = await tempStore();
  const tree = await putImage(store, 'web', { large: 'y'.repeat(1_000_000) });
  await store.lowers.materialise(tree);
  store.refs.images.delete('web', 'latest');
  using hold = store.holds.open();
  hold.add(tree);
  const collected = await gc(store);
  expect(collected).toMatchObject({ lowers: 0, held: 1, objects: 2 });
  expect(collected.sizeBytes).toBeGreaterThan(1_000_000);
  expect(collected.freedBytes).toBeLessThan(100_000);
});

test('as much disk is freed as is told', async () => {
  const store = await tempStore();
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`d${at % 3}/f${at}`, `${at}`.repeat(9000)]));
  const tree = await putImage(store, 'web', { ...files, empty: '', both: 'both' });
  await store.lowers.materialise(tree);
  await putImage(store, 'db', { both: 'both' });
  const used = () => Number(execFileSync('du', ['-s', '-B1', store.folder], { encoding: 'utf8' }).split('\t')[0]);
  store.refs.images.delete('web', 'latest');
  const before = used();
  const { freedBytes, lowers } = await gc(store);
  expect(lowers).toBe(1);
  expect(before - used()).toBe(freedBytes);
});

test.each([
  ['is damaged', (store: Store, digest: Digest) => flipBit(store, digest, 1)],
  ['is damaged in its first byte', (store: Store, digest: Digest) => flipBit(store, digest, 0)],
])('nothing is removed while a manifest %s', async (_what, harm) => {
  const store = await tempStore();
  const tree = await putImage(store, 'web', { a: 'a' });
  await store.objects.put(Buffer.from('garbage'));
  harm(store, tree);
  const before = await allObjects(store);
  await expect(gc(store)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: expect.stringContaining(`object ${tree} of images/web:latest is damaged`),
    hint: expect.stringContaining('volt cas repair'),
  });
  expect(await allObjects(store)).toEqual(before);
});

test('nothing is removed while a manifest is missing, or a name damaged', async () => {
  const store = await tempStore();
  await store.refs.manifests.set('lost', 'latest', 'ab'.repeat(32));
  const garbage = await store.objects.put(Buffer.from('garbage'));
  await expect(gc(store)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  store.refs.manifests.delete('lost', 'latest');
  mkdirSync(join(store.folder, 'cas/refs/images/web'));
  writeFileSync(join(store.folder, 'cas/refs/images/web/latest'), 'no digest');
  await expect(gc(store)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  expect(await allObjects(store)).toEqual([garbage]);
});

test('a file that is missing from an image does not keep garbage from going', async () => {
  const store = await tempStore();
  await putImage(store, 'web', { a: 'a', b: 'b' });

  rmSync(store.objects.pathOf(await store.objects.put(Buffer.from('a'))));
  await store.objects.put(Buffer.from('garbage'));
  expect(await gc(store)).toMatchObject({ objects: 1, kept: 3 });
});

test('what other processes left in staging goes; what this one stages, and young downloads, stay', async () => {
  const store = await tempStore();
  const inside = (path: string) => join(store.folder, path);
  for (const folder of ['cas/tmp/ingest-1-a-0', 'images/.unfinished-1-b-0', 'cas/partial/old', 'cas/partial/young']) {
    mkdirSync(inside(folder), { recursive: true });
    writeFileSync(inside(`${folder}/file`), 'left');
  }
  for (const file of ['cas/tmp/ref-1-c-0', 'cas/partial/object-young', 'cas/partial/object-old']) {
    writeFileSync(inside(file), 'left');
  }
  utimesSync(inside('cas/partial/object-old'), NOW, new Date(NOW.getTime() - 25 * 3_600_000));
  utimesSync(inside('cas/partial/object-young'), NOW, NOW);
  utimesSync(inside('cas/partial/old'), NOW, new Date(NOW.getTime() - 25 * 3_600_000));
  utimesSync(inside('cas/partial/young'), NOW, new Date(NOW.getTime() - 23 * 3_600_000));
  await using batch = store.objects.ingest();
  await batch.putBytes(Buffer.from('being written'));
  const foretold = await gc(store, { dryRun: true });
  const collected = await gc(store);
  expect(foretold).toEqual({ ...collected, dryRun: true });
  expect(collected.leftovers).toBe(5);
  expect(readdirSync(inside('cas/partial'))).toEqual(['object-young', 'young']);
  expect(readdirSync(inside('images'))).toEqual([]);
  await batch.commit();
  expect(await allObjects(store)).toHaveLength(1);
});

test('a caller that gives up ends it', async () => {
  const store = await tempStore();
  const garbage = await store.objects.put(Buffer.from('garbage'));
  await expect(gc(store, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(await allObjects(store)).toEqual([garbage]);
});

test('nobody comes between the look for a hold and the removal', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(Buffer.from('wanted again'));
  using hold = store.holds.open();
  const found: boolean[] = [];
  const look = () => {
    hold.add(digest);
    found.push(store.objects.has(digest));
  };
  const holds = {
    beginCollection: () => store.holds.beginCollection(),
    isHeld: (one: Digest) => {
      process.nextTick(look);
      queueMicrotask(look);
      setImmediate(look);
      return store.holds.isHeld(one);
    },
  } as unknown as Holds;
  expect(await gc({ ...store, holds })).toMatchObject({ objects: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(found).toEqual([false, false, false]);
});

import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Store } from '../store/index.ts';
import { tempStore } from '../store/testing.ts';
import { Cas } from './cas.ts';
import { putImage, signal } from './testing.ts';

const casOf = (store: Store) =>
  new Cas({ store, treesInUse: async () => [], peers: async () => [], now: () => new Date() });

const shared = 's'.repeat(10_000);

test('each name takes its own and what it shares, and all take less than their sum', async () => {
  const store = await tempStore();
  await putImage(store, 'a', { shared, own: 'o'.repeat(500) });
  await putImage(store, 'b', { shared, again: shared });
  const [a, b] = await casOf(store).du([], signal);
  const manifests = (row: typeof a) => row!.ownBytes - (row === a ? 500 : 0);
  expect(a).toMatchObject({ ref: 'images/a:latest', objects: 4, sharedBytes: 10_000, isWhole: true });
  expect(a).toMatchObject({ sizeBytes: 10_500 + manifests(a), storedBytes: 10_500 + manifests(a) });
  expect(b).toMatchObject({ objects: 3, sharedBytes: 10_000 });
  expect(b).toMatchObject({ sizeBytes: 20_000 + manifests(b), storedBytes: 10_000 + manifests(b) });
  expect(a!.diskBytes).toBe(12_288 + 3 * 4096);

  const dedup = await casOf(store).dedup(signal);
  expect(dedup.sizeBytes).toBe(a!.sizeBytes + b!.sizeBytes);
  expect(dedup.storedBytes).toBe(a!.ownBytes + b!.ownBytes + 10_000);
  expect(dedup.savedBytes).toBe(20_000);
  expect(dedup.ratio).toBeCloseTo(dedup.sizeBytes / dedup.storedBytes, 2);
  expect(dedup.refs.map(({ savedBytes }) => savedBytes)).toEqual([10_000, 20_000]);
});

test('two names of one image have nothing of their own', async () => {
  const store = await tempStore();
  await putImage(store, 'a', { shared });
  await store.refs.images.set('b', 'latest', store.refs.images.get('a', 'latest')!);
  const rows = await casOf(store).du(['b'], signal);
  expect(rows).toMatchObject([{ ref: 'images/b:latest', ownBytes: 0 }]);
  expect(rows[0]!.sharedBytes).toBe(rows[0]!.storedBytes);
});

test('a name with a missing tree is shown, as what it is', async () => {
  const store = await tempStore();
  const tree = await putImage(store, 'a', { shared });
  rmSync(store.objects.pathOf(tree));
  expect(await casOf(store).du([], signal)).toMatchObject([{ ref: 'images/a:latest', isWhole: false }]);
  await expect(casOf(store).du(['nothing'], signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('an empty store saves nothing', async () => {
  expect(await casOf(await tempStore()).dedup(signal)).toEqual({
    ...{ refs: [], sizeBytes: 0, storedBytes: 0, savedBytes: 0, ratio: 1 },
  });
});

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ObjectSource, serveObjects, type Store } from '../store/index.ts';
import { tempStore, type TempStore } from '../store/testing.ts';
import { Cas } from './cas.ts';
import { allObjects, flipBit, putImage, signal } from './testing.ts';

const follow = { signal };

const casOf = (store: Store, peers: readonly ObjectSource[] = []) =>
  new Cas({ store, treesInUse: async () => [], peers: async () => peers, now: () => new Date('2026-01-02T00:00:00Z') });

const sourceOf = (store: Store, name = 'peer'): ObjectSource => ({
  name,
  fetch: async (digests) => serveObjects(store.objects, digests),
});

const files = { 'usr/bin/su': 'program', 'etc/one': 'same', 'etc/two': 'same', 'etc/web': 'web' };

async function digestOf(store: Store, text: string): Promise<string> {
  return store.objects.hash.of(Buffer.from(text), 'blake3');
}

/** Two stores with the same image. */
async function twins(): Promise<{ here: TempStore; there: TempStore }> {
  const [here, there] = [await tempStore(), await tempStore()];
  for (const store of [here, there]) await putImage(store, 'web', files);
  return { here, there };
}

test('a sound store has nothing to report', async () => {
  const store = await tempStore();
  await putImage(store, 'web', files);
  expect(await casOf(store).verify(follow)).toEqual({
    ...{ objects: 5, sizeBytes: expect.any(Number) as number, damaged: 0, missing: 0, damage: [], damagedRefs: [] },
  });
});

test('one flipped bit is found, with every file that it hurts', async () => {
  const store = await tempStore();
  await putImage(store, 'web', files);
  await putImage(store, 'db', { same: 'same' });
  const digest = await digestOf(store, 'same');
  flipBit(store, digest, 3);
  const { damaged, missing, damage } = await casOf(store).verify(follow);
  expect({ damaged, missing }).toEqual({ damaged: 1, missing: 0 });
  expect(damage).toEqual([
    {
      digest,
      state: 'damaged',
      hurts: [
        { ref: 'images/db:latest', path: '/same' },
        { ref: 'images/web:latest', path: '/etc/one' },
        { ref: 'images/web:latest', path: '/etc/two' },
      ],
    },
  ]);
});

test('a damaged object that nothing refers to hurts nobody', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(Buffer.from('alone'));
  flipBit(store, digest);
  expect((await casOf(store).verify(follow)).damage).toEqual([{ digest, state: 'damaged', hurts: [] }]);
});

test('a missing file, a damaged tree and a damaged name are found', async () => {
  const store = await tempStore();
  const tree = await putImage(store, 'web', files);
  await putImage(store, 'db', { 'etc/db': 'db' });
  const lost = await digestOf(store, 'db');
  rmSync(store.objects.pathOf(lost));
  flipBit(store, tree, 40);
  mkdirSync(join(store.folder, 'cas/refs/images/bad'));
  writeFileSync(join(store.folder, 'cas/refs/images/bad/1'), 'no digest');
  const { damage, damagedRefs } = await casOf(store).verify(follow);
  expect(damagedRefs).toEqual(['images/bad:1']);
  expect(damage).toEqual([
    { digest: tree, state: 'damaged', hurts: [{ ref: 'images/web:latest', path: null }] },
    { digest: lost, state: 'missing', hurts: [{ ref: 'images/db:latest', path: '/etc/db' }] },
  ]);
});

test('objects under names of OCI are held to the algorithm of their name', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const bytes = Buffer.from('blob');
  const short = await batch.putBytes(bytes, { algorithm: 'sha256' });
  const long = await batch.putBytes(bytes, { algorithm: 'sha512' });
  await batch.commit();
  expect([short, long]).toEqual(['sha256', 'sha512'].map((one) => createHash(one).update(bytes).digest('hex')));
  const cas = casOf(store);
  expect(await cas.verify(follow)).toMatchObject({ objects: 2, damaged: 0 });
  flipBit(store, long);
  expect(await cas.verify(follow)).toMatchObject({ damaged: 1, damage: [{ digest: long }] });
});

test('what the last check found is in the status until it is healed', async () => {
  const { here, there } = await twins();
  const cas = casOf(here, [sourceOf(there)]);
  expect(await cas.status(signal)).toMatchObject({ objects: 5, damaged: 0, verifiedAt: null, refs: 1, pins: 0 });
  flipBit(here, await digestOf(here, 'web'));
  await cas.verify(follow);
  expect(await casOf(here).status(signal)).toMatchObject({ damaged: 1, verifiedAt: '2026-01-02T00:00:00.000Z' });
  await cas.repair([], follow);
  expect(await cas.status(signal)).toMatchObject({ damaged: 0, isExact: true });
});

test('what is damaged or missing is fetched from a peer', async () => {
  const { here, there } = await twins();
  flipBit(here, await digestOf(here, 'web'));
  rmSync(here.objects.pathOf(await digestOf(here, 'program')));
  const repaired = await casOf(here, [sourceOf(there)]).repair([], follow);
  expect(repaired).toMatchObject({ checked: 4, healed: 2, unhealed: 0, damage: [], reason: null });
  expect(await casOf(here).verify(follow)).toMatchObject({ objects: 5, damaged: 0, missing: 0 });
});

test('from a damaged tree on, all that it names is fetched as well', async () => {
  const { here, there } = await twins();
  const [, digest] = /^(.*)$/m.exec(readFileSync(join(here.folder, 'cas/refs/images/web/latest'), 'utf8'))!;
  for (const one of await allObjects(here)) if (one !== digest) rmSync(here.objects.pathOf(one));
  expect(await casOf(here, [sourceOf(there)]).repair([], follow)).toMatchObject({ healed: 4, unhealed: 0 });
  expect(await allObjects(here)).toEqual(await allObjects(there));
});

test('a peer whose own copy is damaged is no help, and the next one is', async () => {
  const { here, there } = await twins();
  const other = await tempStore();
  await putImage(other, 'web', files);
  const digest = await digestOf(here, 'web');
  flipBit(here, digest);
  flipBit(there, digest, 1);
  const peers = [sourceOf(there, 'bad'), sourceOf(other, 'good')];
  expect(await casOf(here, peers).repair([], follow)).toMatchObject({ healed: 1, unhealed: 0 });
});

test('what no peer has is left as it is, and told with the files it hurts', async () => {
  const { here } = await twins();
  const [lost, found] = await Promise.all(['web', 'program'].map((text) => digestOf(here, text)));
  const peer = await tempStore();
  await peer.objects.put(Buffer.from('program'));
  flipBit(here, lost!);
  flipBit(here, found!);
  const repaired = await casOf(here, [sourceOf(peer)]).repair([], follow);
  expect(repaired).toMatchObject({
    ...{ healed: 1, unhealed: 1, reason: expect.stringContaining('none of the nodes asked (peer)') as string },
    damage: [{ digest: lost, state: 'damaged', hurts: [{ ref: 'images/web:latest', path: '/etc/web' }] }],
  });
  expect(here.objects.has(lost!)).toBe(true);
});

test('only what is asked for is repaired', async () => {
  const { here, there } = await twins();
  const [one, other] = await Promise.all(['web', 'program'].map((text) => digestOf(here, text)));
  flipBit(here, one!);
  flipBit(here, other!);
  const cas = casOf(here, [sourceOf(there)]);
  expect(await cas.repair([one!], follow)).toMatchObject({ checked: 1, healed: 1 });
  expect(await cas.verify(follow)).toMatchObject({ damaged: 1, damage: [{ digest: other }] });
});

test('what is deleted and collected while it is checked is missing to nobody', async () => {
  const store = await tempStore();
  await putImage(store, 'web', files);
  await putImage(store, 'gone', { only: 'only' });
  const cas = casOf(store);
  const deleteMeanwhile = async () => {
    store.refs.images.delete('gone', 'latest');
    await cas.collect(false, follow);
    return [];
  };
  let calls = 0;
  const watched = new Cas({
    ...{ store, peers: async () => [], now: () => new Date() },
    treesInUse: async () => (++calls === 1 ? deleteMeanwhile() : []),
  });
  expect(await watched.verify(follow)).toMatchObject({ missing: 0, damage: [] });
  expect(calls).toBe(2);
});

test('damage that was collected is in the status no longer', async () => {
  const store = await tempStore();
  flipBit(store, await store.objects.put(Buffer.from('garbage')));
  const cas = casOf(store);
  await cas.verify(follow);
  expect(await cas.status(signal)).toMatchObject({ damaged: 1 });
  await cas.collect(false, follow);
  expect(await cas.status(signal)).toMatchObject({ damaged: 0 });
});

import { expect, test } from 'vitest';
import type { Store } from '../store/index.ts';
import { tempStore } from '../store/testing.ts';
import { Cas } from './cas.ts';
import { allObjects, flipBit, putImage, signal } from './testing.ts';

const casOf = (store: Store) =>
  new Cas({ store, treesInUse: async () => [], peers: async () => [], now: () => new Date() });

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const read = async (cas: Cas, name: string) => Buffer.concat(await Array.fromAsync(cas.get(name).contents)).toString();

test('what is put can be got, and goes with the next collection unless it is pinned', async () => {
  const store = await tempStore();
  const cas = casOf(store);
  const { digest, sizeBytes } = await cas.put(chunks('one ', 'thing'), false);
  expect({ sizeBytes, text: await read(cas, digest) }).toEqual({ sizeBytes: 9, text: 'one thing' });
  await cas.put(chunks('kept'), true);
  expect(await cas.collect(false, { signal })).toMatchObject({ objects: 1, kept: 1 });
  expect(() => cas.get(digest)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('a pin keeps all that an image needs when its name goes, and no longer than it is there', async () => {
  const store = await tempStore();
  await putImage(store, 'web', { a: 'a' });
  const cas = casOf(store);
  const { digest } = await cas.pin('web');
  expect(await cas.pin('web')).toEqual({ digest, pinned: true });
  store.refs.images.delete('web', 'latest');
  expect(await cas.collect(false, { signal })).toMatchObject({ objects: 0, kept: 3 });
  expect(cas.refs()).toEqual([{ kind: 'pins', name: `${digest}:pin`, digest, isHere: true }]);
  expect(await cas.status(signal)).toMatchObject({ refs: 0, pins: 1 });
  expect(cas.unpin(digest)).toEqual({ digest, pinned: false });
  expect(() => cas.unpin(digest)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(await cas.collect(false, { signal })).toMatchObject({ objects: 3, kept: 0 });
});

test('an object named by SHA-512 can be pinned as well', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const digest = await batch.putBytes(Buffer.from('blob'), { algorithm: 'sha512' });
  await batch.commit();
  await batch[Symbol.asyncDispose]();
  const cas = casOf(store);
  await cas.pin(digest);
  await cas.collect(false, { signal });
  expect(await allObjects(store)).toEqual([digest]);
});

test('damaged contents end with an error, so that nobody takes them for whole', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(Buffer.from('whole'));
  flipBit(store, digest);
  await expect(read(casOf(store), digest)).rejects.toMatchObject({ code: 'DEPENDENCY' });
});

test('only one collection runs at a time', async () => {
  const cas = casOf(await tempStore());
  const first = cas.collect(false, { signal });
  await expect(cas.collect(true, { signal })).rejects.toMatchObject({ code: 'CONFLICT' });
  await first;
  await cas.collect(true, { signal });
});

test('the last collection is in the status; one that only looked is not', async () => {
  const store = await tempStore();
  const cas = casOf(store);
  await store.objects.put(Buffer.from('garbage'));
  await cas.collect(true, { signal });
  expect(await cas.status(signal)).toMatchObject({ objects: 1, collectedAt: null, collectedFreedBytes: null });
  await cas.collect(false, { signal });
  expect(await cas.status(signal)).toMatchObject({ objects: 0, collectedFreedBytes: 4096 });
});

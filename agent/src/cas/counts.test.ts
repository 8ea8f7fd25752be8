import { readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Store } from '../store/index.ts';
import { tempStore, type TempStore } from '../store/testing.ts';
import { Counter } from './counts.ts';
import { signal } from './testing.ts';

async function fill(store: Store, ...texts: string[]): Promise<void> {
  await using batch = store.objects.ingest();
  for (const text of texts) await batch.putBytes(Buffer.from(text));
  await batch.commit();
}

/** Shards as they are some time after the last change. */
function age({ folder }: TempStore): void {
  const objects = join(folder, 'cas/objects');
  for (const shard of readdirSync(objects)) utimesSync(join(objects, shard), 1_700_000_000, 1_700_000_000);
}

test('objects and their bytes are counted, and what changed is counted again', async () => {
  const store = await tempStore();
  const counter = new Counter(store);
  expect(await counter.count(signal)).toEqual({ objects: 0, sizeBytes: 0, diskBytes: 0, isExact: true });
  await fill(store, 'a', 'bc');
  expect(await counter.count(signal)).toEqual({ objects: 2, sizeBytes: 3, diskBytes: 8192, isExact: true });
  await fill(store, 'def');
  expect(await counter.count(signal)).toEqual({ objects: 3, sizeBytes: 6, diskBytes: 12_288, isExact: true });
  rmSync(store.objects.pathOf(await store.objects.put(Buffer.from('a'))));
  expect(await counter.count(signal)).toMatchObject({ objects: 2, sizeBytes: 5, isExact: true });
});

test('the next start remembers what was counted, and a shard that did not change is not read again', async () => {
  const store = await tempStore();
  await fill(store, 'a', 'bc');
  age(store);
  await new Counter(store).count(signal);
  rmSync(store.objects.pathOf(await store.objects.put(Buffer.from('a'))));
  age(store);
  expect(await new Counter(store).count(signal)).toMatchObject({ objects: 2, sizeBytes: 3 });
});

test('a shard that changed a moment ago is read again, in case it changes within the same tick', async () => {
  const store = await tempStore();
  await fill(store, 'a');
  const [shard = ''] = readdirSync(store.objects.layout.objects);
  const folder = join(store.objects.layout.objects, shard);
  // However slow this machine is, the moment has not passed when it is counted.
  const moment = new Date(Date.now() + 60_000);
  utimesSync(folder, moment, moment);
  const counter = new Counter(store);
  await counter.count(signal);
  rmSync(join(folder, readdirSync(folder)[0]!));
  utimesSync(folder, moment, moment);
  expect(await counter.count(signal)).toMatchObject({ objects: 0 });
});

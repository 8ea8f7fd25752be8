import { readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inChunks } from './fetch-testing.ts';
import { tempStore, type TempStore } from './testing.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 0, 2);
const [one, other, third] = ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(128)];

const partial = (store: TempStore, name = ''): string => join(store.folder, 'cas/partial', name);

async function storeWith(ages: Readonly<Record<string, number>>): Promise<TempStore> {
  const store = await tempStore();
  await store.incoming.receive({ digest: one, sizeBytes: 5, from: 0 }, inChunks(Buffer.from('a'), 1)).catch(() => {});
  for (const [name, hours] of Object.entries(ages)) {
    const path = partial(store, name);
    writeFileSync(path, 'begun');
    utimesSync(path, 0, (NOW_MS - hours * HOUR_MS) / 1000);
  }
  return store;
}

test('what arrived in part is kept for a day, unless it is being fetched', async () => {
  const ages = { [`object-${one}`]: 25, [`object-${other}`]: 23, [`object-${third}`]: 99, 'sha256-of-a-registry': 99 };
  const { incoming, folder } = await storeWith(ages);
  expect(incoming.list()).toEqual(new Map([one, other, third].map((digest) => [digest, 5])));
  incoming.sweep(NOW_MS, (digest) => digest === third);
  expect([...incoming.list().keys()].toSorted()).toEqual([other, third]);
  expect(readdirSync(join(folder, 'cas/partial'))).toContain('sha256-of-a-registry');
});

test('an agent that starts drops what is old', async () => {
  const store = await storeWith({ [`object-${one}`]: 25 });
  utimesSync(partial(store, `object-${one}`), 0, 0);
  const started = await tempStore(store.folder);
  expect(started.incoming.list()).toEqual(new Map());
});

test('holes do not count for what is kept', async () => {
  const store = await storeWith({ [`object-${one}`]: 1, [`object-${other}`]: 2 });
  truncateSync(partial(store, `object-${one}`), 2 ** 40);
  utimesSync(partial(store, `object-${one}`), 0, NOW_MS / 1000);
  expect(store.incoming.stale(NOW_MS, () => false)).toEqual([]);
});

test('what ends early stays, and what does not fit its name goes', async () => {
  const { incoming } = await tempStore();
  const receive = (text: string, from = 0) =>
    incoming.receive({ digest: one, sizeBytes: 5, from }, inChunks(Buffer.from(text), 2));
  await expect(receive('abc')).rejects.toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining('ended after 3 of 5') as string,
  });
  expect(incoming.sizeOf(one)).toBe(3);
  await expect(receive('de', 3)).rejects.toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining('arrived damaged') as string,
  });
  expect(incoming.sizeOf(one)).toBe(0);
});

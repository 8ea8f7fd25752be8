import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Crew } from './crew.ts';
import { tempFolder, tempStore } from './testing.ts';

test('a crew checks objects of every kind of name', async () => {
  const store = await tempStore();
  const large = Buffer.alloc(3 * 1024 * 1024, 'large');
  const digests: string[] = [];
  {
    await using batch = store.objects.ingest();
    for (const algorithm of ['blake3', 'sha256', 'sha512'] as const) {
      digests.push(
        await batch.putBytes(Buffer.from('small'), { algorithm }),
        await batch.putBytes(large, { algorithm }),
      );
    }
    await batch.commit();
  }
  const damaged = await store.objects.put(Buffer.from('to be damaged'));
  chmodSync(store.objects.pathOf(damaged), 0o600);
  writeFileSync(store.objects.pathOf(damaged), 'to be dAmaged');
  await using crew = new Crew(2);
  const { objects } = store.objects.layout;
  const jobs = [digests, [damaged, 'a'.repeat(64)]].map((some) => crew.run({ kind: 'check', objects, digests: some }));
  const [good, bad] = await Promise.all(jobs);
  expect(good?.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'ok'));
  expect(good?.map(({ sizeBytes }) => sizeBytes)).toEqual([5, large.length, 5, large.length, 5, large.length]);
  expect(bad).toEqual([
    { state: 'damaged', sizeBytes: 13 },
    { state: 'absent', sizeBytes: 0 },
  ]);
});

test('an error of the file system keeps its code on the way from a thread', async () => {
  await using crew = new Crew(1);
  const folder = tempFolder();
  const path = join(folder, 'file');
  writeFileSync(path, 'x');
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const files = [{ path, stamp: { dev, ino, size, mtimeNs, ctimeNs } }];
  const job = { kind: 'stage', objects: folder, folder: join(folder, 'none'), files } as const;
  await expect(crew.run(job)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('jobs of a crew that ends are given up', async () => {
  const crew = new Crew(1);
  const digests = Array.from({ length: 1000 }, () => 'a'.repeat(64));
  const job = crew.run({ kind: 'check', objects: tempFolder(), digests });
  const [outcome] = await Promise.allSettled([job, crew[Symbol.asyncDispose]()]);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'INTERRUPTED' } });
});

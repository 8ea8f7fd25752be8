/** A disk that is full in the middle of a work: a clear refusal, nothing half-made, and a store as it was. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { ingestFolder } from '@volt/agent/folders';
import { kernelXattrs } from '@volt/agent/host';
import type { Store } from '@volt/agent/store';
import { exitCode } from '@volt/shared/errors';
import { expect, onTestFinished, test } from 'vitest';
import { casOf, openAt, signal } from './store-work.ts';

const DISK_MIB = 24;
const KEPT = Buffer.from('what was there before');

/** A store on a disk of its own. */
async function smallStore(kind: 'tmpfs' | 'ext4'): Promise<{ store: Store; folder: string; free: () => void }> {
  const home = mkdtempSync(join(tmpdir(), 'volt-full-'));
  const folder = join(home, 'disk');
  mkdirSync(folder);
  if (kind === 'tmpfs') {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'volt-full', folder]);
  } else {
    execFileSync('truncate', ['-s', `${DISK_MIB}M`, join(home, 'image')]);
    execFileSync('mkfs.ext4', ['-q', join(home, 'image')]);
    execFileSync('mount', ['-o', 'loop', join(home, 'image'), folder]);
  }
  onTestFinished(() => {
    execFileSync('umount', [folder]);
    rmSync(home, { recursive: true });
  });
  writeFileSync(join(folder, 'ballast'), randomBytes(14 * 1024 * 1024));
  return { store: await openAt(folder), folder, free: () => rmSync(join(folder, 'ballast')) };
}

async function* noise(mib: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < mib; done++) yield randomBytes(1024 * 1024);
}

/** More than fits, and with the ballast gone less. */
function largeFolder(files: number): string {
  const root = mkdtempSync(join(tmpdir(), 'volt-large-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (let index = 0; index < files; index++) {
    writeFileSync(join(root, `${index}`), randomBytes(Math.floor((12 * 1024 * 1024) / files)));
  }
  return root;
}

const works: Record<string, () => (store: Store) => Promise<unknown>> = {
  'one large object': () => async (store) => {
    await using batch = store.objects.ingest();
    await batch.putStream(noise(12));
    await batch.commit();
  },
  'many small objects': () => async (store) => {
    await using batch = store.objects.ingest();
    for (let index = 0; index < 3000; index++) await batch.putBytes(randomBytes(4096));
    await batch.commit();
  },
  'a folder, read by several threads': () => {
    const root = largeFolder(400);
    return async (store) => {
      using hold = store.holds.open();
      await ingestFolder({ root, store, hold, xattrs: kernelXattrs, signal });
    };
  },
  'a folder of one large file': () => {
    const root = largeFolder(1);
    return async (store) => {
      using hold = store.holds.open();
      await ingestFolder({ root, store, hold, xattrs: kernelXattrs, signal });
    };
  },
};

test.each(
  (['tmpfs', 'ext4'] as const).flatMap((kind) => Object.entries(works).map(([name, work]) => ({ kind, name, work }))),
)('$name on a full $kind: refused with code 11, and the store is what it was', async ({ kind, work }) => {
  const { store, folder, free } = await smallStore(kind);
  const digest = await store.objects.put(KEPT);
  const run = work();
  const refused = await run(store).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: 'RESOURCE' });
  expect(exitCode('RESOURCE')).toBe(11);
  expect(readdirSync(join(folder, 'cas/tmp'))).toEqual([]);
  expect(await casOf(store).verify({ signal })).toMatchObject({ objects: 1, damaged: 0, missing: 0 });
  free();
  await run(store);
  expect(await casOf(store).verify({ signal })).toMatchObject({ damaged: 0, missing: 0 });
  expect(store.objects.read(digest)).toEqual(KEPT);
});

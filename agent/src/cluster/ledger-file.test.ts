import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskLedger } from './ledger-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volt-ledger-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what was never written reads as undefined', async () => {
  expect(await new DiskLedger(join(folder, 'cluster/assignments.json')).read()).toBeUndefined();
});

test('what was written last is read, by root only, and nothing else is left', async () => {
  const path = join(folder, 'cluster/assignments.json');
  const file = new DiskLedger(path);
  await file.write('one');
  await file.write('two');
  expect(await file.read()).toBe('two');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'cluster'))).toEqual(['assignments.json']);
});

test('a write that was cut off is overwritten by the next', async () => {
  const path = join(folder, 'assignments.json');
  await writeFile(`${path}.partial`, 'half a le', { mode: 0o644 });
  await new DiskLedger(path).write('whole');
  expect(await new DiskLedger(path).read()).toBe('whole');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a write that cannot be made is RESOURCE and leaves the old text', async () => {
  const path = join(folder, 'assignments.json');
  await new DiskLedger(path).write('old');
  await expect(new DiskLedger(join(path, 'below-a-file')).write('new')).rejects.toMatchObject({ code: 'RESOURCE' });
  expect(await new DiskLedger(path).read()).toBe('old');
});

import { expect, test } from 'vitest';
import { MemoryFiles } from '../host/testing.ts';
import { DiskLedger } from './ledger-file.ts';

const path = '/var/lib/volt/cluster/assignments.json';

test('what was never written reads as undefined', async () => {
  expect(await new DiskLedger(new MemoryFiles(), path).read()).toBeUndefined();
});

test('what was written last is read, and the folder and the file are for root only', async () => {
  const files = new MemoryFiles();
  const file = new DiskLedger(files, path);
  await file.write('one');
  await file.write('two');
  expect(await file.read()).toBe('two');
  expect(files.entries.get(path)).toMatchObject({ mode: 0o600 });
  expect(files.entries.get('/var/lib/volt/cluster')).toMatchObject({ mode: 0o700 });
});

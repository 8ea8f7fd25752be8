import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { exportFolder } from './export-folder.ts';
import { chunksOf, signal, tarOf, tempImages } from './testing.ts';

const tar = tarOf(
  { name: 'first', contents: 'first' },
  { name: 'var/', flag: '5' },
  { name: 'var/lib/', flag: '5' },
  { name: 'var/lib/db/', flag: '5', mode: 0o2750 },
  { name: 'var/lib/db/file', contents: 'x', mode: 0o640 },
  { name: 'var/lib/db/same', flag: '1', linkName: 'var/lib/db/file' },
  { name: 'var/lib/db/outside', flag: '1', linkName: 'first' },
  { name: 'var/lib/db/null', flag: '3', major: 1, minor: 3 },
  { name: 'var/lib/dbs', contents: 'not in it' },
  { name: 'data', flag: '2', linkName: 'var/../var/lib' },
  { name: 'var/abs', flag: '2', linkName: '/data/db' },
  { name: 'out', flag: '2', linkName: '../../../../var/lib/db' },
  { name: 'loop', flag: '2', linkName: 'loop' },
);

/** What tar lists of the folder: mode, kind and name. */
async function listed(path: string): Promise<string[] | undefined> {
  const { images, store } = await tempImages();
  await images.importTar({ name: 'web', source: chunksOf(tar), config: {} }, signal);
  const { tree } = await images.resolve('web');
  const archive = exportFolder({ store, tree, signal }, path);
  if (archive === undefined) return undefined;
  const input = Buffer.concat(await Array.fromAsync(archive));
  const text = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ .*\d\d:\d\d/, ''));
}

const whole = ['drwxr-s--- ./', '-rw-r----- file', '-rw-r--r-- outside', 'hrw-r----- same link to file'];

test.each(['/var/lib/db', '/data/db', '/var/abs', '/out', '/var/abs/../db/.'])('%s is the folder', async (path) =>
  expect(await listed(path)).toEqual(whole),
);

test.each(['/nothing', '/var/lib/db/file', '/first/x', '/loop'])('%s is none', async (path) =>
  expect(await listed(path)).toBeUndefined(),
);

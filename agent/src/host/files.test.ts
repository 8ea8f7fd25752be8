import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { filesContract } from './files.contract.ts';
import { FILE_BYTES_MAX } from './files.ts';
import { MemoryFiles } from './memory-files.ts';
import { NodeFiles } from './node-files.ts';

const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true });
});

/** Owners are not changed by a user who is not root, so the folder's own are taken. */
async function nodeFiles(): Promise<{ files: NodeFiles; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'volt-files-'));
  made.push(folder);
  return { files: new NodeFiles(), folder };
}

async function memoryFiles(): Promise<{ files: MemoryFiles; folder: string }> {
  const files = new MemoryFiles();
  await files.makeFolder('/tmp/test', { mode: 0o700 });
  return { files, folder: '/tmp/test' };
}

describe.runIf(process.getuid?.() === 0)('the real files', () => {
  filesContract(nodeFiles);
});
describe('files in memory', () => {
  filesContract(memoryFiles);
});

test('a file has the mode that was asked for, whatever the umask', async () => {
  const { files, folder } = await nodeFiles();
  await files.write(`${folder}/a`, 'one', { mode: 0o666 });
  expect((await stat(`${folder}/a`)).mode & 0o777).toBe(0o666);
});

test('a link is refused where a file was expected', async () => {
  const { files, folder } = await nodeFiles();
  await files.write(`${folder}/a`, 'one', { mode: 0o600 });
  await symlink(`${folder}/a`, `${folder}/l`);
  await expect(files.read(`${folder}/l`)).rejects.toMatchObject({ code: 'DEPENDENCY' });
});

test('a copy that is the same already keeps its file', async () => {
  const { files, folder } = await nodeFiles();
  await files.write(`${folder}/a`, 'one', { mode: 0o600 });
  await files.copy(`${folder}/a`, `${folder}/b`, { mode: 0o600 });
  const { ino } = await stat(`${folder}/b`);
  await files.copy(`${folder}/a`, `${folder}/b`, { mode: 0o600 });
  expect((await stat(`${folder}/b`)).ino).toBe(ino);
});

test('a file that is too long is refused', async () => {
  const { files, folder } = await nodeFiles();
  await files.write(`${folder}/a`, 'x'.repeat(FILE_BYTES_MAX + 1), { mode: 0o600 });
  await expect(files.read(`${folder}/a`)).rejects.toMatchObject({ code: 'RESOURCE' });
  expect((await readFile(`${folder}/a`)).length).toBe(FILE_BYTES_MAX + 1);
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../store/testing.ts';
import { opened, walk } from './walk.ts';

function sample(): string {
  const root = join(tempFolder(), 'root');
  fs.mkdirSync(join(root, 'a'), { recursive: true });
  fs.writeFileSync(join(root, 'a/file'), 'inside');
  fs.mkdirSync(join(root, 'b'));
  fs.writeFileSync(join(root, 'b/file'), 'inside');
  fs.symlinkSync('a', join(root, 'link'));
  return root;
}

const openFiles = () => fs.readdirSync('/proc/self/fd').length;

test('a folder comes before what is in it, links are not followed, and nothing is left open', async () => {
  const before = openFiles();
  const found: string[] = [];
  for await (const { path, type } of walk(sample())) found.push(`${type} ${path}`);
  expect(found).toEqual(['dir ', 'dir a', 'file a/file', 'dir b', 'file b/file', 'symlink link']);
  expect(openFiles()).toBe(before);
});

test('whoever stops early leaves nothing open', async () => {
  const before = openFiles();
  for await (const { path } of walk(sample())) if (path === 'a/file') break;
  expect(openFiles()).toBe(before);
});

test('a folder that becomes a link while it is looked at does not lead out', async () => {
  const root = sample();
  const outside = join(root, '../outside');
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, 'file'), 'secret');
  const read: string[] = [];
  for await (const { path, fd } of walk(root)) {
    if (path === 'b') {
      fs.renameSync(join(root, 'b'), join(root, 'moved'));
      fs.symlinkSync('../outside', join(root, 'b'));
    }
    if (fd !== undefined) read.push(fs.readFileSync(fd, 'utf8'));
  }
  expect(read).toEqual(['inside', 'inside']);
});

test('a file that became a link before it was looked at is left out', async () => {
  const root = sample();
  fs.writeFileSync(join(root, '../secret'), 'secret');
  const read: string[] = [];
  for await (const { path, fd } of walk(root)) {
    if (path === 'a/file') {
      fs.rmSync(join(root, 'b/file'));
      fs.symlinkSync('../../secret', join(root, 'b/file'));
    }
    if (fd !== undefined) read.push(fs.readFileSync(fd, 'utf8'));
  }
  expect(read).toEqual(['inside']);
});

test.each(['file', 'dir'] as const)('a %s that becomes a link between a look and the opening is not opened', (type) => {
  const root = sample();
  const [path, other] = type === 'file' ? ['a/file', '../b/file'] : ['a', 'b'];
  const at = Buffer.from(join(root, path));
  const found = { path, type, at, stat: fs.lstatSync(at, { bigint: true }), fd: undefined, target: undefined };
  fs.rmSync(at, { recursive: true });
  fs.symlinkSync(other, at);
  expect(() => opened(found)).toThrow(type === 'file' ? 'ELOOP' : 'ENOTDIR');
});

test('a file that became a folder between a look and the opening is not kept open', () => {
  const root = sample();
  const at = Buffer.from(join(root, 'a/file'));
  const found = { path: 'a/file', type: 'file' as const, at, stat: fs.lstatSync(at, { bigint: true }) };
  fs.rmSync(at);
  fs.mkdirSync(at);
  const before = openFiles();
  expect(opened({ ...found, fd: undefined, target: undefined })).toBeUndefined();
  expect(openFiles()).toBe(before);
});

test('deeper than can be kept open is refused', async () => {
  const root = sample();
  const cwd = process.cwd();
  try {
    process.chdir(root);
    for (let depth = 0; depth < 300; depth++) {
      fs.mkdirSync('d');
      process.chdir('d');
    }
  } finally {
    process.chdir(cwd);
  }
  await expect(Array.fromAsync(walk(root))).rejects.toMatchObject({ code: 'RESOURCE' });
});

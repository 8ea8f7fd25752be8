import { expect, test } from 'vitest';
import { fileInode, tempStore, type TempStore } from './testing.ts';
import { type Inode, makeTree } from './tree.ts';
import { encodeTree } from './tree-codec.ts';
import { readTreeFile } from './tree-file.ts';

const plain = { uid: 0, gid: 0, mtime: '1700000000', mode: 0o777 };

async function read(store: TempStore, inodes: Record<string, Inode>, path = 'etc/passwd'): Promise<string | undefined> {
  const tree = await store.objects.put(encodeTree(makeTree(new Map(Object.entries(inodes)))));
  return readTreeFile(store.objects, tree, path, 1000)?.toString('utf8');
}

test('a file is read by its path', async () => {
  const store = await tempStore();
  const other = await fileInode(store, 'other');
  const inodes = { 'etc/passwd': await fileInode(store, 'root:x:0:0'), 'a/etc/passwd': other, 'etc/passwd-': other };
  expect(await read(store, inodes)).toBe('root:x:0:0');
});

test('a second name of a file reads the same', async () => {
  const store = await tempStore();
  const inode = await fileInode(store, 'root:x:0:0');
  expect(await read(store, { 'etc/alias': inode, 'etc/passwd': inode })).toBe('root:x:0:0');
});

test('there is nothing to read at a symbolic link, a folder, an absent path, or a file that is too large', async () => {
  const store = await tempStore();
  const large = await fileInode(store, 'x'.repeat(1001));
  expect(await read(store, { 'etc/passwd': { type: 'symlink', target: '/etc/passwd', ...plain } })).toBeUndefined();
  expect(await read(store, { 'etc/passwd': { type: 'dir', ...plain } })).toBeUndefined();
  expect(await read(store, { 'etc/passwd': large })).toBeUndefined();
  expect(await read(store, { etc: { type: 'dir', ...plain } })).toBeUndefined();
});

import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileInode, folderInode, tempStore, type TempStore, unfinished } from './testing.ts';
import { type Inode, makeTree } from './tree.ts';
import { encodeTree } from './tree-codec.ts';

const plain = { uid: 0, gid: 0, mtime: '1700000000' };

async function put(store: TempStore, inodes: Record<string, Inode>): Promise<string> {
  return store.objects.put(encodeTree(makeTree(new Map(Object.entries(inodes)))));
}

test('a tree is laid out with all its metadata', async () => {
  const store = await tempStore();
  const shared = await fileInode(store, 'shared');
  const rootfs = await store.lowers.materialise(
    await put(store, {
      '': { type: 'dir', mode: 0o750, uid: 1, gid: 2, mtime: '1600000000.5' },
      bin: folderInode(),
      'bin/su': await fileInode(store, 'su', { mode: 0o4755, uid: 3, gid: 4, mtime: '1500000000.25' }),
      'bin/empty': await fileInode(store, '', { mode: 0o600, uid: 5 }),
      'bin/a': shared,
      'bin/b': shared,
      sticky: folderInode(0o1777),
      link: { type: 'symlink', target: '/etc/nowhere', mode: 0o777, uid: 6, gid: 7, mtime: '1400000000' },
      null: { type: 'chardev', major: 1, minor: 3, ...plain, mode: 0o666 },
      disk: { type: 'blockdev', major: 259, minor: 300, ...plain, mode: 0o660, gid: 6 },
      pipe: { type: 'fifo', ...plain, mode: 0o622 },
      'bytes\xff': await fileInode(store, 'bytes'),
    }),
  );
  const seen = (path: string): unknown => {
    const { mode, uid, gid, mtimeMs } = lstatSync(join(rootfs, path));
    return [mode & 0o7777, uid, gid, mtimeMs / 1000];
  };
  expect(seen('')).toEqual([0o750, 1, 2, 1600000000.5]);
  expect(seen('bin')).toEqual([0o755, 0, 0, 1700000000]);
  expect(seen('bin/su')).toEqual([0o4755, 3, 4, 1500000000.25]);
  expect(seen('bin/empty')).toEqual([0o600, 5, 0, 1700000000]);
  expect(seen('sticky')).toEqual([0o1777, 0, 0, 1700000000]);
  expect(seen('link')).toEqual([0o777, 6, 7, 1400000000]);
  expect(seen('null')).toEqual([0o666, 0, 0, 1700000000]);
  expect(seen('pipe')).toEqual([0o622, 0, 0, 1700000000]);
  expect(readlinkSync(join(rootfs, 'link'))).toBe('/etc/nowhere');
  expect(lstatSync(join(rootfs, 'null')).rdev).toBe((1 << 8) | 3);
  expect(lstatSync(join(rootfs, 'disk')).rdev).toBe((259 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12));
  expect(lstatSync(join(rootfs, 'pipe')).isFIFO()).toBe(true);
  expect(readFileSync(join(rootfs, 'bin/su'), 'utf8')).toBe('su');
  expect(statSync(join(rootfs, 'bin/a')).ino).toBe(statSync(join(rootfs, 'bin/b')).ino);
  expect(readdirSync(rootfs, 'latin1')).toContain('bytes\xff');
  expect(unfinished(store)).toEqual([]);
});

test('a file with extended attributes is never shared', async () => {
  const store = await tempStore();
  const xattrs = { 'user.volt': Buffer.from([0, 255, 10]).toString('base64') };
  const rootfs = await store.lowers.materialise(await put(store, { a: await fileInode(store, 'a', { xattrs }) }));
  expect(statSync(join(rootfs, 'a')).nlink).toBe(1);
});

test('a file with the metadata of its object is the object', async () => {
  const store = await tempStore();
  const inode = await fileInode(store, 'one');
  const first = await store.lowers.materialise(await put(store, { a: inode }));
  const second = await store.lowers.materialise(await put(store, { b: inode }));
  const inodes = [join(first, 'a'), join(second, 'b'), store.objects.pathOf('digest' in inode ? inode.digest : '')];
  expect(new Set(inodes.map((path) => statSync(path).ino)).size).toBe(1);
});

test.each([{ mode: 0o755 }, { uid: 9 }, { gid: 9 }, { mtime: '1700000000.001' }])(
  'a file that differs by %j is a copy, and the first one stays as it was',
  async (difference) => {
    const store = await tempStore();
    const first = await store.lowers.materialise(await put(store, { a: await fileInode(store, 'one') }));
    const before = statSync(join(first, 'a'));
    const second = await store.lowers.materialise(await put(store, { a: await fileInode(store, 'one', difference) }));
    const after = statSync(join(first, 'a'));
    expect(statSync(join(second, 'a')).ino).not.toBe(before.ino);
    expect([after.mode, after.uid, after.gid, after.mtimeMs]).toEqual([
      before.mode,
      before.uid,
      before.gid,
      before.mtimeMs,
    ]);
  },
);

test('a lower is made once, whoever asks and how often', async () => {
  const store = await tempStore();
  const tree = await put(store, { a: await fileInode(store, 'a') });
  const paths = await Promise.all([store.lowers.materialise(tree), store.lowers.materialise(tree)]);
  const { ino } = statSync(paths[0]);
  expect(await store.lowers.materialise(tree)).toBe(join(store.folder, 'images', tree, 'rootfs'));
  expect(statSync(paths[1]).ino).toBe(ino);
  expect(store.lowers.list()).toEqual([tree]);
});

test('only root of the host can reach a lower', async () => {
  const store = await tempStore();
  const rootfs = await store.lowers.materialise(await put(store, { a: await fileInode(store, 'a') }));
  expect(statSync(join(rootfs, '..')).mode & 0o777).toBe(0o700);
});

test.each(['missing', 'damaged'])(
  'an object that is %s leaves no lower, and the next attempt can succeed',
  async (how) => {
    const store = await tempStore();
    const inode = await fileInode(store, 'contents');
    const tree = await put(store, { a: inode });
    const path = store.objects.pathOf('digest' in inode ? inode.digest : '');
    if (how === 'missing') rmSync(path);
    else {
      chmodSync(path, 0o600);
      writeFileSync(path, 'short');
    }
    await expect(store.lowers.materialise(tree)).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: expect.stringContaining(how),
    });
    expect(store.lowers.list()).toEqual([]);
    expect(unfinished(store)).toEqual([]);
    await store.objects.put(Buffer.from('contents'));
    expect(existsSync(await store.lowers.materialise(tree))).toBe(true);
  },
);

test('a lower is removed, and the objects stay', async () => {
  const store = await tempStore();
  const tree = await put(store, { a: await fileInode(store, 'a') });
  const rootfs = await store.lowers.materialise(tree);
  await store.lowers.remove(tree);
  await store.lowers.remove(tree);
  expect(existsSync(rootfs)).toBe(false);
  expect(unfinished(store)).toEqual([]);
  expect(readFileSync(join(await store.lowers.materialise(tree), 'a'), 'utf8')).toBe('a');
});

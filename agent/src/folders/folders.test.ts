import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeTree, type Tree, type TreeEntry } from '../store/index.ts';
import { tempFolder, tempStore, unfinished } from '../store/testing.ts';
import { ingestFolder } from './index.ts';
import { ingested, OLD, sampleFolder } from './testing.ts';

type TestStore = Awaited<ReturnType<typeof tempStore>>;

const treeOf = (store: TestStore, digest: string): Tree => decodeTree(store.objects.read(digest));

function entry(tree: Tree, path: string): TreeEntry {
  const found = tree.find((one) => one.path === path);
  if (found === undefined) throw new Error(`No ${path}`);
  return found;
}

/** Makes files look as if they had rested for long. The time of change cannot be set, so the clock is. */
function later(work: () => Promise<unknown>): Promise<unknown> {
  const { now } = Date;
  Date.now = () => now() + 10_000;
  return work().finally(() => (Date.now = now));
}

test('a folder comes with all its kinds of files', async () => {
  const store = await tempStore();
  const root = sampleFolder();
  const result = await ingested(store, root);
  const tree = treeOf(store, result.tree);
  expect(tree.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'dir ',
    'dir bin',
    'file bin/alias',
    'symlink bin/link',
    'hardlink bin/tool',
    'file copy',
    'file empty',
    'fifo fifo',
    'file f\xff\n',
    'file large',
  ]);
  expect(entry(tree, 'bin/alias')).toMatchObject({ mode: 0o4755, uid: 0, gid: 0, sizeBytes: 6 });
  expect(entry(tree, 'bin/link')).toMatchObject({ target: '../nowhere' });
  expect(entry(tree, 'bin/tool')).toMatchObject({ target: 'bin/alias' });
  expect(entry(tree, 'copy')).toMatchObject({
    mtime: '1577934245.5',
    digest: store.objects.hash.of(Buffer.from('a tool')),
  });
  expect(result).toMatchObject({ entries: 10, files: 5, filesRead: 5, objectsAdded: 5, skipped: 0 });
  for (const one of tree) if (one.type === 'file') expect(await store.objects.verify(one.digest)).toBe('ok');
  expect(unfinished(store)).toEqual([]);
});

test('times before 1970 and of nanoseconds are kept', async () => {
  const store = await tempStore();
  const root = tempFolder();
  for (const [name, time] of [
    ['old', '1969-12-31 23:59:58.5 UTC'],
    ['exact', '2020-01-01 00:00:00.123456789 UTC'],
  ] as const) {
    fs.writeFileSync(join(root, name), name);
    execFileSync('touch', ['-d', time, join(root, name)]);
  }
  const tree = treeOf(store, (await ingested(store, root)).tree);
  expect(entry(tree, 'old')).toMatchObject({ mtime: '-1.5' });
  expect(entry(tree, 'exact')).toMatchObject({ mtime: '1577836800.123456789' });
});

test('sockets are left out', async () => {
  const store = await tempStore();
  const root = tempFolder();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
  const result = await ingested(store, root);
  server.close();
  expect(result).toMatchObject({ entries: 1, skipped: 1 });
});

test('attributes of files and folders come along, as the port tells them', async () => {
  const store = await tempStore();
  const root = tempFolder();
  fs.writeFileSync(join(root, 'capable'), 'x');
  const attributes = { 'security.capability': 'AQAAAg==' };
  const xattrs = { read: (path: Buffer) => (path.toString().endsWith('capable') ? attributes : undefined) };
  const tree = treeOf(store, (await ingested(store, root, { xattrs })).tree);
  expect(entry(tree, 'capable')).toMatchObject({ xattrs: attributes });
  expect(entry(tree, '')).not.toHaveProperty('xattrs');
});

test('many files are read by several threads', async () => {
  const store = await tempStore();
  const root = tempFolder();
  for (let index = 0; index < 500; index++) fs.writeFileSync(join(root, `${index}`), `contents ${index % 400}`);
  const result = await ingested(store, root);
  expect(result).toMatchObject({ files: 500, filesRead: 500, objectsAdded: 401 });
  for (const one of treeOf(store, result.tree)) {
    if (one.type !== 'file') continue;
    expect(store.objects.read(one.digest).toString()).toBe(`contents ${Number(one.path) % 400}`);
  }
  expect(unfinished(store)).toEqual([]);
});

describe('a folder that is stored again', () => {
  test('is not read where nothing changed', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const [first, second] = [await later(() => ingested(store, root)), await ingested(store, root)];
    expect(second).toEqual({ ...(first as object), filesRead: 0, objectsAdded: 0, sizeBytesAdded: 0 });
  });

  test('is read where it changed, and only there', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    await later(() => ingested(store, root));
    fs.writeFileSync(join(root, 'copy'), 'b tool');
    fs.utimesSync(join(root, 'copy'), OLD, OLD);
    fs.rmSync(join(root, 'empty'));
    fs.chmodSync(join(root, 'bin'), 0o700);
    const second = await ingested(store, root);
    const tree = treeOf(store, second.tree);
    expect(second).toMatchObject({ filesRead: 1, files: 4, objectsAdded: 2 });
    expect(entry(tree, 'copy')).toMatchObject({ digest: store.objects.hash.of(Buffer.from('b tool')) });
    expect(entry(tree, 'bin')).toMatchObject({ mode: 0o700 });
    expect(tree.some(({ path }) => path === 'empty')).toBe(false);
    expect(await ingested(store, root, { cache: undefined })).toMatchObject({ tree: second.tree });
  });

  test('is read again where it changed shortly before it was looked at', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    await ingested(store, root);
    expect(await ingested(store, root)).toMatchObject({ filesRead: 5 });
  });

  test.each([
    ['contents', (tree: Tree) => tree.flatMap((one) => (one.type === 'file' ? [one.digest] : []))[1]!],
    ['the tree itself', (_: Tree, digest: string) => digest],
  ])('brings back %s that the store lost', async (_, pick) => {
    const store = await tempStore();
    const root = sampleFolder();
    const { tree } = (await later(() => ingested(store, root))) as { tree: string };
    const lost = pick(treeOf(store, tree), tree);
    fs.rmSync(store.objects.pathOf(lost));
    expect(await ingested(store, root)).toMatchObject({ tree, objectsAdded: 1 });
    expect(await store.objects.verify(lost)).toBe('ok');
  });

  test.each([
    ['cut short', (path: string) => fs.truncateSync(path, 100)],
    ['empty', (path: string) => fs.truncateSync(path)],
    ['of one wrong byte', (path: string) => fs.writeFileSync(path, fs.readFileSync(path).fill(7, 200, 201))],
    ['gone', (path: string) => fs.rmSync(path)],
  ])('is read whole where the cache is %s', async (_, damage) => {
    const store = await tempStore();
    const root = sampleFolder();
    const { tree } = (await later(() => ingested(store, root))) as { tree: string };
    const [name = ''] = fs.readdirSync(join(store.folder, 'cache'));
    damage(join(store.folder, 'cache', name));
    expect(await ingested(store, root)).toMatchObject({ tree, filesRead: 5 });
  });

  test('has everything held while it is relied on', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const { tree } = (await later(() => ingested(store, root))) as { tree: string };
    const { signal } = new AbortController();
    using hold = store.holds.open();
    const cache = join(store.folder, 'cache');
    await ingestFolder({ root, store, hold, xattrs: { read: () => undefined }, cache, signal });
    for (const one of treeOf(store, tree)) if (one.type === 'file') expect(store.holds.isHeld(one.digest)).toBe(true);
    expect(store.holds.isHeld(tree)).toBe(true);
  });
});

describe('a folder that is in use', () => {
  /** Runs `change` while the folder is walked, at the first look for attributes of a file of this name. */
  const during = (name: string, change: () => void, times = 1) => {
    let left = times;
    return {
      read: (path: Buffer) => {
        if (path.toString().endsWith(name) && left-- > 0) change();
        return undefined;
      },
    };
  };

  test('has files that change read again', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const path = join(root, 'copy');
    const xattrs = during('copy', () => fs.writeFileSync(path, 'changed in the meantime'));
    const { tree } = await ingested(store, root, { xattrs });
    const digest = store.objects.hash.of(Buffer.from('changed in the meantime'));
    expect(entry(treeOf(store, tree), 'copy')).toMatchObject({ digest, sizeBytes: 23 });
  });

  test('has large files that grow read again', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const path = join(root, 'large');
    const { tree } = await ingested(store, root, { xattrs: during('large', () => fs.appendFileSync(path, 'more')) });
    expect(entry(treeOf(store, tree), 'large')).toMatchObject({ sizeBytes: 3 * 1024 * 1024 + 4 });
    expect(unfinished(store)).toEqual([]);
  });

  test('leaves out what goes, and takes what came in its place', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const gone = during('copy', () => fs.rmSync(join(root, 'copy')));
    const replaced = during('large', () => {
      fs.rmSync(join(root, 'large'));
      fs.symlinkSync('/etc/shadow', join(root, 'large'));
    });
    const xattrs = { read: (path: Buffer) => gone.read(path) ?? replaced.read(path) };
    const tree = treeOf(store, (await ingested(store, root, { xattrs })).tree);
    expect(tree.some(({ path }) => path === 'copy')).toBe(false);
    expect(entry(tree, 'large')).toMatchObject({ type: 'symlink', target: '/etc/shadow' });
  });

  test('keeps the other names of a file when one of them goes', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    const names = fs.readdirSync(join(root, 'bin')).filter((name) => name !== 'link');
    const xattrs = during(names[0]!, () => fs.rmSync(join(root, 'bin', names[0]!)));
    const tree = treeOf(store, (await ingested(store, root, { xattrs })).tree);
    expect(entry(tree, `bin/${names[1]}`)).toMatchObject({ type: 'file', sizeBytes: 6 });
    expect(tree.some(({ path }) => path === `bin/${names[0]}`)).toBe(false);
  });

  test('is refused where a file never rests', async () => {
    const store = await tempStore();
    const root = sampleFolder();
    let count = 0;
    const xattrs = during('copy', () => fs.writeFileSync(join(root, 'copy'), 'x'.repeat(++count)), 99);
    await expect(ingested(store, root, { xattrs })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(unfinished(store)).toEqual([]);
  });
});

test.each([
  ['nothing is', (root: string) => join(root, 'none'), 'NOT_FOUND'],
  ['a file is', (root: string) => join(root, 'copy'), 'USAGE'],
])('a path where %s is refused', async (_, path, code) => {
  const store = await tempStore();
  await expect(ingested(store, path(sampleFolder()))).rejects.toMatchObject({ code });
});

test('a work that is given up leaves nothing', async () => {
  const store = await tempStore();
  const root = tempFolder();
  for (let index = 0; index < 600; index++) fs.writeFileSync(join(root, `${index}`), `contents ${index}`);
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(ingested(store, root, { signal })).rejects.toThrow('enough');
  expect(unfinished(store)).toEqual([]);
});

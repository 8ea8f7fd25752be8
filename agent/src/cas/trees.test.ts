import { expect, test } from 'vitest';
import { encodeTree, fromText, type Inode, makeTree, type Store } from '../store/index.ts';
import { tempStore } from '../store/testing.ts';
import { resolve } from './resolve.ts';
import { allObjects, putImage } from './testing.ts';
import { diffTrees, listTree, readTree } from './trees.ts';

const plain = { uid: 0, gid: 0, mtime: '1700000000.25' };
const file = (digit: string, more: Partial<Inode> = {}): Inode =>
  ({ type: 'file', ...plain, mode: 0o644, sizeBytes: 5, digest: digit.repeat(64), ...more }) as Inode;
const folder = (more: Partial<Inode> = {}): Inode => ({ type: 'dir', ...plain, mode: 0o755, ...more }) as Inode;

const treeOf = (inodes: Record<string, Inode>) =>
  makeTree(new Map(Object.entries({ '': folder(), ...inodes }).map(([path, inode]) => [fromText(path), inode])));

const su = file('a', { mode: 0o4755 });
const tree = treeOf({
  bin: folder(),
  'bin/su': su,
  'bin/sudo': su,
  'bin/sh': { type: 'symlink', ...plain, mode: 0o777, target: 'bash' },
  tmp: folder({ mode: 0o1777 }),
  'dev-null': { type: 'chardev', ...plain, mode: 0o666, major: 1, minor: 3 },
});

const paths = (path: string, recursive = false) => [...listTree(tree, path, recursive)].map((row) => row.path);

test('a folder is listed without what is below its folders, unless that is asked for', () => {
  expect(paths('/')).toEqual(['/bin', '/dev-null', '/tmp']);
  expect(paths('bin/')).toEqual(['/bin/sh', '/bin/su', '/bin/sudo']);
  expect(paths('/', true)).toEqual(['/bin', '/bin/sh', '/bin/su', '/bin/sudo', '/dev-null', '/tmp']);
  expect(paths('/bin/su')).toEqual(['/bin/su']);
  expect(() => paths('/nowhere')).toThrow("There is no '/nowhere' in this tree");
});

test('an entry is shown as ls shows it', () => {
  const [bin, , tmp] = listTree(tree, '/', false);
  const [sh, program, link] = listTree(tree, '/bin', false);
  expect([bin, sh, program, tmp].map((row) => row!.mode)).toEqual([
    'drwxr-xr-x',
    'lrwxrwxrwx',
    '-rwsr-xr-x',
    'drwxrwxrwt',
  ]);
  expect(sh).toMatchObject({ target: 'bash', sizeBytes: null, modifiedAt: '2023-11-14T22:13:20.250Z' });
  expect(link).toMatchObject({ type: 'hardlink', target: 'bin/su', mode: '-rwsr-xr-x', sizeBytes: 5 });
});

test('a name that would play tricks with a terminal is shown harmless', () => {
  const [row] = listTree(treeOf({ 'a\nb\u001b[31m': file('a') }), '/', false);
  expect(row!.path).toBe('/a\\x0ab\\x1b[31m');
});

const changes = (from: Record<string, Inode>, to: Record<string, Inode>) => [...diffTrees(treeOf(from), treeOf(to))];

test('a tree does not differ from itself', () => {
  expect([...diffTrees(tree, tree)]).toEqual([]);
});

test('what was added, removed and changed is told in the order of paths', () => {
  expect(changes({ a: file('a'), b: file('b'), d: file('d') }, { b: file('e'), c: file('c'), d: file('d') })).toEqual([
    { change: 'removed', path: '/a', what: [] },
    { change: 'changed', path: '/b', what: ['content'] },
    { change: 'added', path: '/c', what: [] },
  ]);
});

test.each([
  ['mode', { mode: 0o600 }],
  ['owner', { gid: 7 }],
  ['time', { mtime: '3' }],
  ['attributes', { xattrs: { 'user.a': 'YQ==' } }],
] as const)('a change of %s is told as that', (what, change) => {
  expect(changes({ a: file('a') }, { a: file('a', change) })).toEqual([
    { change: 'changed', path: '/a', what: [what] },
  ]);
});

test('a copy in the place of a link, and a folder in the place of a file, are told', () => {
  expect(changes({ a: su, b: su }, { a: su, b: { ...su } })).toEqual([
    { change: 'changed', path: '/b', what: ['links'] },
  ]);
  expect(changes({ a: file('a', { mode: 0o755 }) }, { a: folder() })).toEqual([
    { change: 'changed', path: '/a', what: ['type', 'content'] },
  ]);
});

async function stored(): Promise<{ store: Store; digest: string }> {
  const store = await tempStore();
  return { store, digest: await putImage(store, 'web', { 'etc/web': 'web' }) };
}

test('a tree is found by the name of its image, by its kind, by digest and by the beginning of one', async () => {
  const { store, digest } = await stored();
  const wanted = await readTree(store, resolve(store, 'web'));
  expect(wanted.map((entry) => entry.path)).toEqual(['', 'etc', 'etc/web']);
  for (const name of ['web:latest', 'images/web', digest, digest.slice(0, 12)]) {
    expect(await readTree(store, resolve(store, name))).toEqual(wanted);
  }
});

test('what is not there, is several, or is no tree is refused', async () => {
  const { store } = await stored();
  for (const name of ['db', 'manifests/web', 'ab'.repeat(32), 'abcdef']) {
    expect(() => resolve(store, name)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  }
  const digest = await store.objects.put(Buffer.from('text'));
  await expect(readTree(store, resolve(store, digest))).rejects.toMatchObject({ code: 'USAGE' });
});

test('an image comes before another thing of the same name', async () => {
  const { store, digest } = await stored();
  const other = await store.objects.put(encodeTree(treeOf({ other: folder() })));
  await store.refs.manifests.set('web', 'latest', other);
  await store.refs.manifests.set('site', 'latest', other);
  expect(resolve(store, 'web').name).toBe('images/web:latest');
  expect(resolve(store, 'manifests/web').digest).toBe(other);
  expect(resolve(store, 'site').name).toBe('manifests/site:latest');
  expect(await readTree(store, resolve(store, 'site'))).toHaveLength(2);
  expect(await allObjects(store)).toContain(digest);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBytes, fromText, shown } from './byte-string.ts';
import { checkTree, type Inode, makeTree, type Tree } from './tree.ts';
import { decodeTree, encodeTree } from './tree-codec.ts';

const digest = 'd'.repeat(64);
const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: '1700000000' };
const folder: Inode = { type: 'dir', ...metadata, mode: 0o755 };
const file: Inode = { type: 'file', ...metadata, sizeBytes: 3, digest };

const names = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((bytes) => fromBytes(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
  .filter((name) => name !== '.' && name !== '..');
const mtimes = fc
  .tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 33 }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([seconds, nanos]) => `${seconds}.${String(nanos).padStart(9, '0')}`.replace(/\.?0+$/, '') || '0')
  .filter((text) => /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(text));
const someMetadata = fc.record(
  {
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 0xfffffffe }),
    gid: fc.integer({ min: 0, max: 0xfffffffe }),
    mtime: mtimes,
    xattrs: fc.dictionary(fc.constantFrom('user.a', 'user.ü', 'security.capability'), fc.base64String(), {
      minKeys: 1,
    }),
  },
  { requiredKeys: ['mode', 'uid', 'gid', 'mtime'] },
);
const kinds = fc.oneof(
  fc.record({ type: fc.constant('file' as const), sizeBytes: fc.nat(), digest: fc.constant(digest) }),
  fc.record({ type: fc.constant('symlink' as const), target: names }),
  fc.record({ type: fc.constant('fifo' as const) }),
  fc.record({
    type: fc.constantFrom('chardev' as const, 'blockdev' as const),
    major: fc.integer({ min: 1, max: 4095 }),
    minor: fc.nat(99),
  }),
);
const leaf = fc.tuple(someMetadata, kinds).map(([common, kind]): Inode => ({ ...common, ...kind }));

/** Leaves at some depth, some of them with several names. Folders differ from leaves by a suffix no leaf has. */
const inodeMaps = fc
  .array(fc.tuple(fc.array(names, { maxLength: 3 }), names, leaf, fc.boolean()), { maxLength: 12 })
  .map((items) => {
    const inodes = new Map<string, Inode>([['', folder]]);
    for (const [folders, name, inode, hasSecondName] of items) {
      const parent = folders.map((one) => `${one}.d`).join('/');
      if (parent !== '') inodes.set(parent, folder);
      const path = [...(parent === '' ? [] : [parent]), `${name}.f`].join('/');
      inodes.set(path, inode);
      if (hasSecondName) inodes.set(`${path}2`, inode);
    }
    return inodes;
  });

test('any tree is the same after encoding and decoding', () => {
  fc.assert(
    fc.property(inodeMaps, (inodes) => {
      expect(decodeTree(encodeTree(makeTree(inodes)))).toEqual(makeTree(inodes));
    }),
  );
});

test('the encoding does not depend on the order of the input', () => {
  fc.assert(
    fc.property(inodeMaps, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (inodes, dice) => {
      const shuffled = [...inodes].map((item) => ({ item, key: dice.next().value })).toSorted((a, b) => a.key - b.key);
      const again = new Map(shuffled.map(({ item }) => item));
      expect(encodeTree(makeTree(again)).equals(encodeTree(makeTree(inodes)))).toBe(true);
    }),
  );
});

test('no damaged encoding is taken for a different tree', () => {
  fc.assert(
    fc.property(inodeMaps, fc.nat(), fc.integer({ min: 1, max: 255 }), (inodes, at, change) => {
      const bytes = encodeTree(makeTree(inodes));
      bytes[at % bytes.length]! ^= change;
      let decoded: Tree;
      try {
        decoded = decodeTree(bytes);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'INVALID_CONFIG' });
        return;
      }
      expect(encodeTree(decoded).equals(bytes)).toBe(true);
    }),
  );
});

test('hard links belong to the smallest name', () => {
  const tree = makeTree(
    new Map([
      ['z', file],
      ['b', file],
      ['m', file],
    ]),
  );
  expect(tree.slice(1)).toEqual([
    { path: 'b', ...file },
    { path: 'm', type: 'hardlink', target: 'b' },
    { path: 'z', type: 'hardlink', target: 'b' },
  ]);
});

test('folders nobody described are added', () => {
  const tree = makeTree(new Map([['usr/bin/env', file]]));
  expect(tree.map((entry) => `${entry.type} ${entry.path}`)).toEqual([
    'dir ',
    'dir usr',
    'dir usr/bin',
    'file usr/bin/env',
  ]);
});

test('the encoding is readable', () => {
  const tree = makeTree(
    new Map<string, Inode>([
      ['a', file],
      [fromText('ü'), { ...folder }],
      ['\xff', folder],
    ]),
  );
  expect(encodeTree(tree).toString().split('\n')).toEqual([
    '{"kind":"volt.tree.v1"}',
    '{"path":"","type":"dir","mode":"0755","uid":0,"gid":0,"mtime":"0"}',
    `{"path":"a","type":"file","mode":"0644","uid":0,"gid":0,"mtime":"1700000000","sizeBytes":3,"digest":"${digest}"}`,
    '{"path":"ü","type":"dir","mode":"0755","uid":0,"gid":0,"mtime":"1700000000"}',
    '{"pathBytes":"/w==","type":"dir","mode":"0755","uid":0,"gid":0,"mtime":"1700000000"}',
    '',
  ]);
});

describe('refuses a tree', () => {
  const root = { path: '', ...folder };
  const trees: Record<string, Tree> = {
    'without a root': [{ path: 'a', ...file }],
    'with a path through a symbolic link': [
      root,
      { path: 'a', ...metadata, type: 'symlink', target: '/etc' },
      { path: 'a/b', ...file },
    ],
    'with a path through a file': [root, { path: 'a', ...file }, { path: 'a/b', ...file }],
    'with a parent that is missing': [root, { path: 'a/b', ...file }],
    'with ..': [root, { path: '..', ...file }],
    'with .. inside': [root, { path: 'a', ...folder }, { path: 'a/..', ...file }],
    'with an absolute path': [root, { path: '/etc', ...file }],
    'with a doubled slash': [root, { path: 'a', ...folder }, { path: 'a//b', ...file }],
    'with a NUL byte': [root, { path: 'a\0b', ...file }],
    'with a name of 256 bytes': [root, { path: 'a'.repeat(256), ...file }],
    'with a path twice': [root, { path: 'a', ...file }, { path: 'a', ...file }],
    'out of order': [root, { path: 'b', ...file }, { path: 'a', ...file }],
    'with a hard link to a later file': [root, { path: 'a', type: 'hardlink', target: 'b' }, { path: 'b', ...file }],
    'with a hard link to a folder': [root, { path: 'a', ...folder }, { path: 'b', type: 'hardlink', target: 'a' }],
    'with a hard link out of it': [root, { path: 'a', type: 'hardlink', target: '../../etc/passwd' }],
    'with the mark of a deleted file': [root, { path: 'a', ...metadata, type: 'chardev', major: 0, minor: 0 }],
    'with an attribute of the overlay': [root, { path: 'a', ...file, xattrs: { 'trusted.overlay.redirect': '' } }],
    'with such an attribute on its root': [{ ...root, xattrs: { 'trusted.overlay.opaque': 'eQ==' } }],
    'with an empty link': [root, { path: 'a', ...metadata, type: 'symlink', target: '' }],
  };
  test.each(Object.entries(trees))('%s', (_name, tree) => {
    expect(() => checkTree(tree)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});

test.each([
  ['empty', ''],
  ['of another kind', '{"kind":"volt.tree.v2"}\n'],
  ['without an end', encodeTree(makeTree(new Map())).toString().trimEnd()],
  [
    'with an unknown key',
    '{"kind":"volt.tree.v1"}\n{"path":"","type":"dir","mode":"0755","uid":0,"gid":0,"mtime":"0","x":1}\n',
  ],
  [
    'spelled otherwise',
    '{"kind":"volt.tree.v1"}\n{"type":"dir","path":"","mode":"0755","uid":0,"gid":0,"mtime":"0"}\n',
  ],
  [
    'with text as bytes',
    '{"kind":"volt.tree.v1"}\n{"pathBytes":"","type":"dir","mode":"0755","uid":0,"gid":0,"mtime":"0"}\n',
  ],
])('refuses an encoding %s', (_name, text) => {
  expect(() => decodeTree(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
});

test('names are shown without anything that moves a cursor', () => {
  expect(shown(fromText('ä\u001b[2J'))).toBe('\\xc3\\xa4\\x1b[2J');
  expect(shown('\xff')).toBe('\\xff');
  expect(shown(fromText('ä'))).toBe('ä');
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTree, type TreeEntry } from '../store/index.ts';
import { tempFolder, tempStore, type TempStore, unfinished } from '../store/testing.ts';
import { importTree, LayeredImport, type TarImport } from './import-tar.ts';
import { chunksOf, END, rawEntry, signal, tarOf } from './testing.ts';

async function load(
  store: TempStore,
  tar: Buffer,
  extra: Partial<TarImport> & { chunk?: number } = {},
): Promise<TreeEntry[]> {
  await using batch = store.objects.ingest();
  const { digest } = await importTree({ source: chunksOf(tar, extra.chunk), batch, signal, ...extra });
  await batch.commit();
  return [...decodeTree(store.objects.read(digest))];
}

const listed = (tree: TreeEntry[]): string[] => tree.slice(1).map((entry) => `${entry.type} ${entry.path}`);

const invalid = expect.objectContaining({ code: 'INVALID_CONFIG' });

test('every kind of entry keeps what is known of it', async () => {
  const store = await tempStore();
  const tree = await load(
    store,
    tarOf(
      { name: './', flag: '5', mode: 0o755 },
      { name: './etc/', flag: '5', mode: 0o700, mtime: 1 },
      { name: './etc/hosts', contents: 'localhost', mode: 0o4644 },
      { name: './etc/alias', flag: '1', linkName: './etc/hosts' },
      { name: './etc/link', flag: '2', linkName: '/absolute/../odd' },
      { name: './null', flag: '3', major: 1, minor: 3 },
      { name: './disk', flag: '4', major: 8, minor: 300 },
      { name: './pipe', flag: '6' },
    ),
  );
  const digest = store.objects.hash.of(Buffer.from('localhost'));
  const metadata = { uid: 0, gid: 0, mode: 0o644, mtime: '1700000000' };
  expect(tree).toEqual([
    { path: '', type: 'dir', ...metadata, mode: 0o755 },
    { path: 'disk', type: 'blockdev', major: 8, minor: 300, ...metadata },
    { path: 'etc', type: 'dir', ...metadata, mode: 0o700, mtime: '1' },
    { path: 'etc/alias', type: 'file', sizeBytes: 9, digest, ...metadata, mode: 0o4644 },
    { path: 'etc/hosts', type: 'hardlink', target: 'etc/alias' },
    { path: 'etc/link', type: 'symlink', target: '/absolute/../odd', ...metadata },
    { path: 'null', type: 'chardev', major: 1, minor: 3, ...metadata },
    { path: 'pipe', type: 'fifo', ...metadata },
  ]);
});

test('PAX records win over the header: names, owners, times and attributes as bytes', async () => {
  const pax = {
    path: 'long/\xff\xfe name',
    uid: '3000000000',
    gid: '70000',
    mtime: '1700000000.123456789012',
    'SCHILY.xattr.security.capability': '\x01\x00\x00\x02\n=\xff',
  };
  const tree = await load(await tempStore(), tarOf({ name: 'short', contents: 'x', pax }));
  expect(tree.at(-1)).toMatchObject({
    path: 'long/\xff\xfe name',
    uid: 3_000_000_000,
    gid: 70_000,
    mtime: '1700000000.123456789',
    xattrs: { 'security.capability': Buffer.from('\x01\x00\x00\x02\n=\xff', 'latin1').toString('base64') },
  });
});

test('GNU long names and links are read', async () => {
  const name = `${'n'.repeat(120)}/${'m'.repeat(120)}`;
  const long = [
    rawEntry({ name: '././@LongLink', flag: 'K', contents: `${name}\0` }),
    rawEntry({ name: '././@LongLink', flag: 'L', contents: `${name}2\0` }),
  ];
  const tar = Buffer.concat([...long, rawEntry({ name: 'cut', flag: '2', linkName: 'cut' }), END]);
  expect((await load(await tempStore(), tar)).at(-1)).toMatchObject({ path: `${name}2`, target: name });
});

test('a later entry replaces an earlier one, and a hard link keeps what it pointed at', async () => {
  const store = await tempStore();
  const tree = await load(
    store,
    tarOf({ name: 'a', contents: 'old' }, { name: 'b', flag: '1', linkName: 'a' }, { name: 'a', contents: 'new' }),
  );
  expect(tree.slice(1)).toMatchObject([
    { path: 'a', digest: store.objects.hash.of(Buffer.from('new')) },
    { path: 'b', digest: store.objects.hash.of(Buffer.from('old')) },
  ]);
});

test.each([1, 511, 512, 513, 1 << 20])('the size of chunks makes no difference: %i', async (chunk) => {
  const store = await tempStore();
  const tar = tarOf({ name: 'a', contents: Buffer.alloc(1500, 'a') }, { name: 'b' }, { name: 'c/d', contents: 'd' });
  expect(listed(await load(store, tar, { chunk }))).toEqual(['file a', 'file b', 'dir c', 'file c/d']);
});

test('a file larger than memory should hold is streamed', async () => {
  const store = await tempStore();
  const contents = Buffer.alloc(3_000_001, 'volt');
  const tree = await load(store, tarOf({ name: 'large', contents }, { name: 'after', contents: 'x' }));
  expect(tree.at(-1)).toMatchObject({ sizeBytes: contents.length, digest: store.objects.hash.of(contents) });
});

test.each([
  ['gzip', gzipSync],
  [
    'gzip in several members',
    (tar: Buffer) => Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]),
  ],
  ['zstd', zstdCompressSync],
  [
    'zstd in several frames',
    (tar: Buffer) => Buffer.concat([zstdCompressSync(tar.subarray(0, 700)), zstdCompressSync(tar.subarray(700))]),
  ],
])('%s is recognised', async (_name, pack: (tar: Buffer) => Buffer) => {
  const tar = tarOf({ name: 'a', contents: 'x'.repeat(900) });
  expect(listed(await load(await tempStore(), pack(tar)))).toEqual(['file a']);
});

test('what GNU tar writes comes out of a lower as it went in', async () => {
  const folder = join(tempFolder(), 'root');
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/file'), 'contents', { mode: 0o640 });
  writeFileSync(Buffer.from(`${folder}/a/bytes\xff`, 'latin1'), 'bytes');
  symlinkSync('../..', join(folder, 'a/up'));
  execFileSync('ln', [join(folder, 'a/file'), join(folder, 'a/b/second')]);
  execFileSync('mknod', [join(folder, 'a/null'), 'c', '1', '3']);
  execFileSync('mknod', [join(folder, 'a/pipe'), 'p']);
  const pack = (from: string) =>
    execFileSync('tar', ['--format=pax', '--xattrs', '--xattrs-include=*', '-C', from, '-c', '.']);
  const withXattr = tarOf({ name: 'capable', contents: 'x', pax: { 'SCHILY.xattr.user.volt': 'a\0\xff\n' } });

  const store = await tempStore();
  const both = Buffer.concat([pack(folder).subarray(0, -END.length), rawEntry({ name: 'end' }), END]);
  for (const tar of [both, withXattr]) {
    await using batch = store.objects.ingest();
    const { digest } = await importTree({ source: chunksOf(tar), batch, signal });
    await batch.commit();
    const again = await importTree({ source: chunksOf(pack(await store.lowers.materialise(digest))), batch, signal });
    const micro = (entry: TreeEntry) =>
      'mtime' in entry ? { ...entry, mtime: Number(entry.mtime).toFixed(5) } : entry;
    await batch.commit();
    expect(decodeTree(store.objects.read(again.digest)).map(micro)).toEqual(
      decodeTree(store.objects.read(digest)).map(micro),
    );
  }
});

describe('a hostile or broken archive is refused, and nothing of it is published:', () => {
  const whole = tarOf({ name: 'a', contents: 'contents' });
  const flipped = Buffer.from(whole);
  flipped[2]! ^= 1;
  const archives: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    'not an archive': Buffer.alloc(2000, 'text'),
    'a damaged header': flipped,
    'cut in a header': whole.subarray(0, 100),
    'cut in contents': whole.subarray(0, 515),
    'cut before the end mark': whole.subarray(0, 1024),
    'cut gzip': gzipSync(whole).subarray(0, -12),
    'cut zstd': zstdCompressSync(Buffer.concat([whole, Buffer.alloc(100_000)])).subarray(0, -6),
    xz: Buffer.from('fd377a585a000000', 'hex'),
    'an absolute path': tarOf({ name: '/etc/passwd', contents: 'x' }),
    'a path that leads out': tarOf({ name: '../../etc/passwd', contents: 'x' }),
    'a path that leads out in the middle': tarOf({ name: 'a/../../etc/passwd', contents: 'x' }),
    'a path that leads out in PAX': tarOf({ name: 'a', contents: 'x', pax: { path: '../x' } }),
    'a path with NUL in PAX': tarOf({ name: 'a', contents: 'x', pax: { path: 'a\0b' } }),
    'a file behind a symbolic link': tarOf(
      { name: 'etc', flag: '2', linkName: '/etc' },
      { name: 'etc/passwd', contents: 'x' },
    ),
    'a folder swapped for a link in mid-way': tarOf(
      { name: 'd', flag: '5' },
      { name: 'd/file', contents: 'x' },
      { name: 'd', flag: '2', linkName: '/etc' },
    ),
    'a file below a file': tarOf({ name: 'a', contents: 'x' }, { name: 'a/b', contents: 'x' }),
    'the root as a link': tarOf({ name: '.', flag: '2', linkName: '/etc' }),
    'a hard link to nothing': tarOf({ name: 'a', flag: '1', linkName: 'b' }),
    'a hard link to a later file': tarOf({ name: 'a', flag: '1', linkName: 'b' }, { name: 'b' }),
    'a hard link that leads out': tarOf({ name: 'a', flag: '1', linkName: '../../etc/shadow' }),
    'an absolute hard link': tarOf({ name: 'a', flag: '1', linkName: '/etc/shadow' }),
    'a hard link to a folder': tarOf({ name: 'd', flag: '5' }, { name: 'a', flag: '1', linkName: 'd' }),
    'a hard link to itself': tarOf({ name: 'a', flag: '1', linkName: 'a' }),
    'a symbolic link to nothing': tarOf({ name: 'a', flag: '2', linkName: '' }),
    'a device out of range': tarOf({ name: 'a', flag: '3', major: 5000 }),
    'a deletion of overlayfs': tarOf({ name: 'a', flag: '3', major: 0, minor: 0 }),
    'an attribute of overlayfs': tarOf({ name: 'a', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/ab/cd' } }),
    'an attribute of overlayfs for users': tarOf({ name: 'a', pax: { 'SCHILY.xattr.user.overlay.metacopy': '' } }),
    'an unknown type': tarOf({ name: 'a', flag: 'Z' }),
    'more global records than make sense': Buffer.concat([
      rawEntry({
        name: 'g',
        flag: 'g',
        contents: Array.from({ length: 101 }, (_, n) => `10 k${n + 100}=v\n`).join(''),
      }),
      whole,
    ]),
    'a size below zero': Buffer.concat([rawEntry({ name: 'a', binarySize: -512 }), END]),
    'a sparse file that does not fit': tarOf({ name: 'a', flag: 'S', contents: 'x' }),
    'a PAX sparse file': tarOf({ name: 'a', pax: { 'GNU.sparse.major': '1' } }),
    'a malformed time': tarOf({ name: 'a', pax: { mtime: 'yesterday' } }),
    'a malformed size': tarOf({ name: 'a', pax: { size: '-1' } }),
    'an owner out of range': tarOf({ name: 'a', pax: { uid: '4294967295' } }),
    'a malformed PAX record': Buffer.concat([rawEntry({ name: 'p', flag: 'x', contents: '9999 path=a\n' }), whole]),
    'a PAX header without end': Buffer.concat([rawEntry({ name: 'p', flag: 'x', size: 8 ** 11 - 1 }), whole]),
    'a name of 256 bytes': tarOf({ name: 'a', pax: { path: 'a'.repeat(256) } }),
    'a path of 5000 bytes': tarOf({ name: 'a', pax: { path: 'a/'.repeat(2500) } }),
    'contents that never come': Buffer.concat([rawEntry({ name: 'a', size: 2 ** 32, contents: 'x' }), END]),
  };
  test.each(Object.entries(archives))('%s', async (_name, tar) => {
    const store = await tempStore();
    await expect(load(store, tar)).rejects.toEqual(invalid);
    expect(unfinished(store)).toEqual([]);
    for await (const digest of store.objects.list()) expect(digest).toBe('nothing');
  });

  test('too many entries', async () => {
    const limits = { entries: 2, sizeBytes: 2 ** 30 };
    const tar = tarOf({ name: 'a' }, { name: 'b' }, { name: 'c' });
    await expect(load(await tempStore(), tar, { limits })).rejects.toEqual(invalid);
  });

  test('more than there may be once it is unpacked', async () => {
    const limits = { entries: 100, sizeBytes: 100_000 };
    const bomb = gzipSync(tarOf({ name: 'a', contents: Buffer.alloc(10_000_000) }));
    await expect(load(await tempStore(), bomb, { limits })).rejects.toEqual(invalid);
  });
});

test('in a whole root file system, names of removals are plain names', async () => {
  const tree = await load(await tempStore(), tarOf({ name: 'a' }, { name: '.wh.a' }));
  expect(listed(tree)).toEqual(['file .wh.a', 'file a']);
});

test('layers are counted together', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const layers = new LayeredImport(batch, { signal, limits: { entries: 3, sizeBytes: 2 ** 20 } });
  await layers.add(chunksOf(tarOf({ name: 'a' }, { name: 'b' })), 'layer');
  await expect(layers.add(chunksOf(tarOf({ name: 'c' }, { name: 'd' })), 'layer')).rejects.toEqual(invalid);
});

test.each([0, 3])('a layer may lack its end mark, and %i bytes that fill its last block', async (missing) => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const layers = new LayeredImport(batch, { signal });
  const whole = tarOf({ name: 'a' }, { name: 'b', contents: 'x' });
  await layers.add(chunksOf(whole.subarray(0, -END.length - missing)), 'layer');
  expect((await layers.finish()).files).toBe(2);
  const cut = new LayeredImport(batch, { signal });
  await expect(cut.add(chunksOf(whole.subarray(0, -END.length - 512)), 'layer')).rejects.toEqual(invalid);
});

test('layers become one tree', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const layers = new LayeredImport(batch, { signal });
  await layers.add(chunksOf(tarOf({ name: 'a', contents: '1' }, { name: 'd/x' }, { name: 'd/y' })), 'layer');
  await layers.add(chunksOf(tarOf({ name: 'b', flag: '1', linkName: 'a' }, { name: 'd/.wh.x' })), 'layer');
  const { digest, files } = await layers.finish();
  await batch.commit();
  expect(listed([...decodeTree(store.objects.read(digest))])).toEqual(['file a', 'hardlink b', 'dir d', 'file d/y']);
  expect(files).toBe(2);
});

test('no change of bytes makes the reader fail in another way, or reach outside', async () => {
  const store = await tempStore();
  const tar = tarOf(
    { name: 'd/', flag: '5' },
    { name: 'd/a', contents: 'x', pax: { mtime: '1.5' } },
    { name: 'l', flag: '2', linkName: 'd' },
  );
  const change = fc.tuple(fc.nat(tar.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, mayFixSum) => {
      const bytes = Buffer.from(tar);
      for (const [at, value] of changes) bytes[at] = value;
      if (mayFixSum) fixChecksums(bytes);
      await using batch = store.objects.ingest();
      const importing = importTree({ source: chunksOf(bytes), batch, signal });
      await importing.catch((thrown: unknown) => expect(thrown).toEqual(invalid));
    }),
    { numRuns: 300 },
  );
});

/** So that a change reaches what lies behind the checksum. */
function fixChecksums(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    tar.fill(' ', at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0`, at + 148, 'latin1');
  }
}

test('a cancelled import stops', async () => {
  const cancel = new AbortController();
  cancel.abort();
  const loading = load(await tempStore(), tarOf({ name: 'a' }), { signal: cancel.signal });
  await expect(loading).rejects.toMatchObject({ name: 'AbortError' });
});

test('an error of the source passes unchanged', async () => {
  async function* source(): AsyncGenerator<Buffer> {
    yield gzipSync(tarOf({ name: 'a' })).subarray(0, 20);
    throw new Error('the line broke');
  }
  await expect(load(await tempStore(), END, { source: source() })).rejects.toThrow('the line broke');
});

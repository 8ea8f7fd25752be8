import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBytes } from './byte-string.ts';
import { linksOf } from './links.ts';
import { contentsOf, type Inode, makeTree } from './tree.ts';
import { decodeTree, encodeTree } from './tree-codec.ts';

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const a = 'a'.repeat(64);
const b = 'b'.repeat(128);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function links(bytes: Uint8Array | string, size = 7): Promise<string[]> {
  const found = await Array.fromAsync(linksOf(inChunks(Buffer.from(bytes), size)));
  return found.map(({ digest, to }) => `${to} ${digest}`);
}

const metadata = fc.record({
  mode: fc.constant(0o644),
  uid: fc.nat(99),
  gid: fc.nat(99),
  mtime: fc.constant('0'),
  xattrs: fc.option(
    hex(64).map((digest) => ({ digest })),
    { nil: undefined },
  ),
});
/** Names and targets that do their best to look like the end of a line about a file. */
const deceptive = fc
  .tuple(fc.uint8Array({ maxLength: 8 }), hex(64), fc.constantFrom('"}', '\n', '"}\n', ''))
  .map(([noise, digest, end]) => `${fromBytes(noise.map((byte) => byte || 1))}x,"digest":"${digest}${end}`)
  .map((text) => text.replaceAll('/', '-'));
const inodes = fc.tuple(
  metadata,
  fc.oneof(
    fc.record({ type: fc.constant('file' as const), sizeBytes: fc.nat(), digest: hex(64) }),
    fc.record({ type: fc.constant('symlink' as const), target: deceptive }),
    fc.record({ type: fc.constant('fifo' as const) }),
    fc.record({ type: fc.constant('dir' as const) }),
  ),
);
const trees = fc
  .array(fc.tuple(fc.oneof(deceptive, fc.constantFrom('a', 'b', 'c')), inodes, fc.boolean()), { maxLength: 10 })
  .map((entries) => {
    const named = new Map<string, Inode>();
    for (const [name, [common, kind], hasSecondName] of entries) {
      const inode = { ...common, ...kind };
      named.set(name, inode);
      if (hasSecondName && inode.type !== 'dir') named.set(`${name}2`, inode);
    }
    return makeTree(named);
  });

test('a tree links to the contents of its files and to nothing else, however it is cut in chunks', async () => {
  await fc.assert(
    fc.asyncProperty(trees, fc.integer({ min: 1, max: 300 }), async (tree, size) => {
      const bytes = encodeTree(tree);
      const expected = new Set([...contentsOf(decodeTree(bytes)).keys()].map((digest) => `contents ${digest}`));
      expect(new Set(await links(bytes, size))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('an image manifest links to its tree', async () => {
  expect(await links(JSON.stringify({ kind: 'volt.image.v1', tree: a }))).toEqual([`manifest ${a}`]);
});

test('an OCI manifest links to its configuration and layers, an index to manifests', async () => {
  const manifest = {
    schemaVersion: 2,
    config: { digest: `sha256:${a}` },
    layers: [{ digest: `sha512:${b}` }, { digest: `sha256:${a}` }],
  };
  expect(await links(JSON.stringify(manifest))).toEqual([`contents ${a}`, `contents ${b}`, `contents ${a}`]);
  expect(await links(JSON.stringify({ schemaVersion: 2, manifests: [{ digest: `sha256:${a}` }] }))).toEqual([
    `manifest ${a}`,
  ]);
});

test.each([
  ['nothing', ''],
  ['a brace', '{'],
  ['text', 'hello'],
  ['another JSON', '{"hello":1}'],
  ['no object', '{}'],
  ['an image of no tree', '{"kind":"volt.image.v1","tree":"../x"}'],
  ['descriptors that are none', '{"schemaVersion":2,"config":null,"layers":[7,{"digest":"sha256:x"},{"digest":"a"}]}'],
  ['a tree without its header', `{"path":"a","digest":"${a}"}\n`],
])('%s links to nothing', async (_, text) => expect(await links(text)).toEqual([]));

test('what is larger than a manifest may be links to nothing', async () => {
  const text = `{"kind":"volt.image.v1","tree":"${a}","x":"${'x'.repeat(5 * 1024 * 1024)}"}`;
  expect(await links(text, 65_536)).toEqual([]);
});

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader } from '../store/index.ts';
import { readTar, type TarEntry } from './reader.ts';
import { chunksOf } from './testing.ts';
import { END_OF_TAR, paddingOf, tarHeader } from './writer.ts';

const plain: TarEntry = {
  name: 'a',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: '1700000000',
  sizeBytes: 0,
  linkName: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

async function again(entry: TarEntry): Promise<TarEntry> {
  const parts = [tarHeader(entry), Buffer.alloc(entry.sizeBytes), paddingOf(entry.sizeBytes), END_OF_TAR];
  const [read] = await Array.fromAsync(readTar(new ByteReader(chunksOf(Buffer.concat(parts)))));
  return read as TarEntry;
}

const bytes = (options: { minLength?: number; maxLength: number }) =>
  fc.array(fc.integer({ min: 1, max: 255 }), options).map((codes) => String.fromCharCode(...codes));

test('what is written is read again, whatever the names, numbers and attributes', async () => {
  const entries = fc.record({
    name: bytes({ minLength: 1, maxLength: 300 }).filter((name) => !name.endsWith('/')),
    mode: fc.nat(0o7777),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    mtime: fc.constantFrom('0', '1', '-1', '1700000000.123456789', '99999999999', '8589934591', '8589934592'),
    linkName: bytes({ maxLength: 300 }),
    xattrs: fc
      .array(
        fc.tuple(
          bytes({ minLength: 1, maxLength: 20 }).filter((key) => !key.includes('=')),
          bytes({ maxLength: 30 }),
        ),
      )
      .map((pairs) => new Map(pairs)),
  });
  await fc.assert(
    fc.asyncProperty(entries, async (entry) => {
      const written: TarEntry = { ...plain, type: 'symlink', ...entry };
      expect(await again(written)).toEqual(written);
    }),
    { numRuns: 300 },
  );
});

test('a file larger than ustar can say has its size in front', async () => {
  const header = tarHeader({ ...plain, sizeBytes: 2 ** 33 });
  const reader = new ByteReader(chunksOf(header));
  const { value } = await readTar(reader).next();
  expect((value as TarEntry).sizeBytes).toBe(2 ** 33);
});

test('GNU tar reads it', () => {
  const name = `${'é'.repeat(80)}/file`;
  const entry = { ...plain, name, mtime: '1700000000.5', uid: 3_000_000_000, sizeBytes: 5 };
  const archive = Buffer.concat([tarHeader(entry), Buffer.from('hello'), paddingOf(5), END_OF_TAR]);
  const options = {
    input: archive,
    encoding: 'latin1',
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  } as const;
  const listed = execFileSync(
    'tar',
    ['--numeric-owner', '--full-time', '--quoting-style=literal', '-tvf', '-'],
    options,
  );
  expect(listed.replaceAll(/ +/g, ' ')).toBe(`-rw-r--r-- 3000000000/0 5 2023-11-14 22:13:20.5 ${name}\n`);
});

test("an attribute with '=' in its name is refused", () => {
  const entry = { ...plain, xattrs: new Map([['user.a=b', 'x']]) };
  expect(() => tarHeader(entry)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
});

import { expect, test } from 'vitest';
import fc from 'fast-check';
import { ByteReader } from '../../store/index.ts';
import type { TarEntry, TarType } from '../../tar/index.ts';
import { encodeEnd, encodeRecord, readRecord, readRecords } from './records.ts';

const bytes = (max: number, min = 0) =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((all) => Buffer.from(all).toString('latin1'));

const u32 = fc.integer({ min: 0, max: 0xffffffff });

const anEntry: fc.Arbitrary<TarEntry> = fc.record({
  name: bytes(40, 1),
  type: fc.constantFrom<TarType>('file', 'hardlink', 'symlink', 'chardev', 'blockdev', 'dir', 'fifo'),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: u32,
  gid: u32,
  mtime: fc.constantFrom('0', '1700000000', '1700000000.25', '-1.5', '-3', '1.000000001', '-0.000000001'),
  sizeBytes: fc.constant(0),
  linkName: bytes(40),
  major: u32,
  minor: u32,
  xattrs: fc.array(fc.tuple(bytes(20, 1), bytes(60)), { maxLength: 4 }).map((pairs) => new Map(pairs)),
});

async function* inPieces(all: Buffer, size: number) {
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

const plain = (entry: TarEntry | undefined) => entry && { ...entry, xattrs: [...entry.xattrs] };

test('an entry that is written is read back, however the stream is cut into pieces', () =>
  fc.assert(
    fc.asyncProperty(fc.array(anEntry, { maxLength: 5 }), fc.integer({ min: 1, max: 100 }), async (entries, size) => {
      const reader = new ByteReader(inPieces(Buffer.concat([...entries.map(encodeRecord), encodeEnd()]), size));
      const found: TarEntry[] = [];
      for await (const entry of readRecords(reader)) found.push(entry);
      expect(found.map(plain)).toEqual(entries.map(plain));
    }),
  ));

test('a stream that ends before it says so is no stream, wherever it is cut', () =>
  fc.assert(
    fc.asyncProperty(anEntry, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (entry, part) => {
      const whole = encodeRecord(entry);
      const reader = new ByteReader(inPieces(whole.subarray(0, Math.floor(whole.length * part)), 7));
      await expect(readRecord(reader)).rejects.toThrow('ended too early');
    }),
  ));

test('what is not the stream is refused', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 56, maxLength: 200 }), async (noise) => {
      const reader = new ByteReader(inPieces(Buffer.from([0, ...noise]), 64));
      await expect(readRecord(reader)).rejects.toMatchObject({ code: 'DEPENDENCY' });
    }),
  ));

test('contents that nobody takes are passed over', async () => {
  const first = { name: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: '0', sizeBytes: 5 } as const;
  const rest = { linkName: '', major: 0, minor: 0, xattrs: new Map() };
  const stream = [encodeRecord({ ...first, ...rest }), Buffer.from('12345')];
  const second = encodeRecord({ ...first, ...rest, name: 'b', sizeBytes: 0 });
  const reader = new ByteReader(inPieces(Buffer.concat([...stream, second, encodeEnd()]), 3));
  const names: string[] = [];
  for await (const { name } of readRecords(reader)) names.push(name);
  expect(names).toEqual(['a', 'b']);
});

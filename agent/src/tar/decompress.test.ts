import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompressed, type Limits } from './decompress.ts';
import { chunksOf } from './testing.ts';

const unpack = async (packed: Buffer, limits?: Limits): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(decompressed(chunksOf(packed), limits)));

const zeros = Buffer.alloc(4_000_000);

describe.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('%s', (_name, pack) => {
  test('is unpacked', async () => {
    expect(await unpack(pack(zeros))).toEqual(zeros);
  });

  test('is refused beyond the largest size', async () => {
    const limits = { bytes: 1_000_000, freeBytes: 2 ** 30, ratio: 200 };
    await expect(unpack(pack(zeros), limits)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('is refused where it grows out of proportion', async () => {
    const limits = { bytes: 2 ** 30, freeBytes: 1_000_000, ratio: 200 };
    await expect(unpack(pack(zeros), limits)).rejects.toMatchObject({
      message: 'Bad archive: it unpacks to more than 200 times its size',
    });
  });

  test('that shrinks as programs do is never out of proportion', async () => {
    const text = Buffer.from(Array.from({ length: 100_000 }, (_, at) => `line ${at * 7919}\n`).join(''));
    expect(await unpack(pack(text), { bytes: 2 ** 30, freeBytes: 0, ratio: 200 })).toEqual(text);
  });
});

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inChunks, join } from './fetch-testing.ts';
import { packForWire, unpackFromWire } from './pack-wire.ts';

const MIB = 1024 * 1024;

const packed = (bytes: Buffer, chunkBytes = 300_000): Promise<Buffer> => join(packForWire(inChunks(bytes, chunkBytes)));

const unpack = (bytes: Buffer, chunkBytes = 70_000): Promise<Buffer> =>
  join(unpackFromWire(Readable.from(inChunks(bytes, chunkBytes))));

const text = (size: number): Buffer => Buffer.alloc(size, 'text that repeats itself, ');

test('what is packed is what comes out, whatever it is and however it is cut', async () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(600_000).map(text),
    fc.nat(300_000).map((size) => randomBytes(size)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), fc.integer({ min: 1000, max: 400_000 }), async (parts, cut) => {
      const bytes = Buffer.concat(parts);
      expect((await unpack(await packed(bytes, cut), cut)).equals(bytes)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('text gets smaller, and what is packed already grows by a few bytes in a hundred thousand', async () => {
  expect((await packed(text(4 * MIB))).length).toBeLessThan(0.1 * MIB);
  expect((await packed(randomBytes(4 * MIB))).length).toBeLessThan(4 * MIB * 1.0001);
});

test('nothing is nothing', async () => {
  expect(await unpack(await packed(Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
});

test('what is cut short or no zstd is an error of the stream', async () => {
  const bytes = await packed(text(MIB));
  await expect(unpack(bytes.subarray(0, bytes.length - 5))).rejects.toThrow();
  await expect(unpack(Buffer.from('this is no zstd'))).rejects.toThrow();
});

test('a line that breaks is an error of the stream', async () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield (await packed(text(MIB))).subarray(0, 100);
    throw new Error('the line broke');
  }
  await expect(join(unpackFromWire(Readable.from(breaking())))).rejects.toThrow('the line broke');
});

test('a frame that needs much memory to unpack is refused', async () => {
  // Magic, no single segment, the window, and an empty last block.
  const frame = (window: string) => Buffer.from(`28b52ffd00${window}010000`, 'hex');
  expect(await unpack(frame('60'))).toEqual(Buffer.alloc(0));
  // 2^27 bytes.
  await expect(unpack(frame('88'))).rejects.toThrow();
});

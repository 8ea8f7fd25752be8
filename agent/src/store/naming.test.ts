import { createHash } from 'node:crypto';
import { chmodSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { INLINE_BYTES_MAX, type PutOptions } from './ingest.ts';
import { tempStore } from './testing.ts';

const sha = (algorithm: 'sha256' | 'sha512', bytes: Uint8Array): string =>
  createHash(algorithm).update(bytes).digest('hex');

async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

async function put(bytes: Uint8Array, options: PutOptions) {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const result = await batch.putStream(chunked(bytes), options);
  await batch.commit();
  return { store, ...result };
}

describe.each([10, INLINE_BYTES_MAX + 10])('contents of %i bytes', (size) => {
  const bytes = Buffer.alloc(size, 'blob');

  test.each(['sha256', 'sha512'] as const)('are kept under their %s where that is asked for', async (algorithm) => {
    const digest = sha(algorithm, bytes);
    const { store, ...result } = await put(bytes, { expected: { algorithm, digest }, also: ['blake3'] });
    const digests = { [algorithm]: digest, blake3: store.objects.hash.of(bytes) };
    expect(result).toEqual({ digest, sizeBytes: size, digests });
    expect(store.objects.has(digest)).toBe(true);
    expect(store.objects.has(digests.blake3)).toBe(false);
    expect(store.objects.read(digest)).toEqual(bytes);
    expect(await store.objects.verify(digest)).toBe('ok');
  });

  test.each([
    ['blake3', 'sha256'],
    ['sha256', 'blake3'],
    ['sha512', 'blake3'],
  ] as const)('are named by %s and checked by %s', async (algorithm, checked) => {
    const { hash } = (await tempStore()).objects;
    const expected = { algorithm: checked, digest: hash.of(bytes, checked) };
    expect((await put(bytes, { algorithm, expected })).digest).toBe(hash.of(bytes, algorithm));
    const wrong = { algorithm: checked, digest: hash.of(Buffer.from('other'), checked) };
    await expect(put(bytes, { algorithm, expected: wrong })).rejects.toMatchObject({ code: 'NETWORK' });
  });

  test.each(['blake3', 'sha256', 'sha512'] as const)('are known by a name of %s alone', async (algorithm) => {
    const digest = (await tempStore()).objects.hash.of(bytes, algorithm);
    expect((await put(bytes, { expected: digest })).digest).toBe(digest);
  });

  test('are damaged when one byte differs, whatever names them', async () => {
    const { store, digest } = await put(bytes, { algorithm: 'sha256' });
    const path = store.objects.pathOf(digest);
    chmodSync(path, 0o600);
    writeFileSync(path, Buffer.concat([Buffer.from('x'), bytes.subarray(1)]));
    expect(await store.objects.verify(digest)).toBe('damaged');
    expect(() => store.objects.read(digest)).toThrow(expect.objectContaining({ code: 'DEPENDENCY' }));
    truncateSync(path);
    expect(await store.objects.verify(digest)).toBe('damaged');
  });
});

describe('an object with long runs of zeros', () => {
  const MIB = 1024 * 1024;
  const parts = [Buffer.from('start'), Buffer.alloc(3 * MIB), Buffer.from('middle'), Buffer.alloc(5 * MIB + 7)];

  test.each([
    ['that is streamed', Buffer.concat(parts), 1],
    ['that fits in memory', Buffer.concat([parts[0]!, Buffer.alloc(900_000), parts[2]!]), 1],
    ['that has nothing else', Buffer.alloc(4 * MIB), 0],
    ['that is small', Buffer.alloc(40_000), 0],
  ])('%s takes no space for them and reads the same', async (_, bytes, blocksMin) => {
    const { store, digest } = await put(bytes, {});
    const { blocks, size } = statSync(store.objects.pathOf(digest));
    expect(size).toBe(bytes.length);
    expect(blocks * 512).toBeLessThanOrEqual(192 * 1024);
    expect(blocks).toBeGreaterThanOrEqual(blocksMin);
    expect(store.objects.read(digest).equals(bytes)).toBe(true);
  });
});

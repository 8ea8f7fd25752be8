import { chmodSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INLINE_BYTES_MAX } from './ingest.ts';
import { type TempStore, tempFolder, tempStore, unfinished } from './testing.ts';

const hello = Buffer.from('hello');

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function contents(store: TempStore, digest: string): Promise<Buffer> {
  const object = await store.objects.open(digest);
  const parts: Uint8Array[] = [];
  for await (const chunk of object!.chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('an object is kept under its hash, read-only, behind a folder of root', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(hello);
  const path = join(store.folder, 'cas/objects', digest.slice(0, 2), digest);
  expect(digest).toBe('ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f');
  expect(statSync(path).mode & 0o777).toBe(0o400);
  expect(statSync(join(store.folder, 'cas')).mode & 0o777).toBe(0o700);
  expect(store.objects.read(digest)).toEqual(hello);
  expect(unfinished(store)).toEqual([]);
});

test.each([0, 1, 70_000, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 3 * INLINE_BYTES_MAX])(
  'a stream of %i bytes comes out as it went in',
  async (size) => {
    const store = await tempStore();
    const bytes = Buffer.alloc(size, 'volt');
    await using batch = store.objects.ingest();
    const put = await batch.putStream(chunked(bytes, 100_000));
    await batch.commit();
    const digest = store.objects.hash.of(bytes);
    expect(put).toEqual({ digest, sizeBytes: size, digests: { blake3: digest } });
    expect((await contents(store, put.digest)).equals(bytes)).toBe(true);
    expect(await store.objects.verify(put.digest)).toBe('ok');
  },
);

test('nothing of a batch is visible before its commit', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const digest = await batch.putBytes(hello);
  expect(store.objects.has(digest)).toBe(false);
  await batch.commit();
  expect(store.objects.has(digest)).toBe(true);
});

test('a batch that is given up leaves nothing', async () => {
  const store = await tempStore();
  let digest: string;
  {
    await using batch = store.objects.ingest();
    digest = await batch.putBytes(hello);
    await batch.putStream(chunked(Buffer.alloc(2 * INLINE_BYTES_MAX), 65_536));
  }
  expect(store.objects.has(digest)).toBe(false);
  expect(unfinished(store)).toEqual([]);
});

test('what is there already is neither written nor counted again', async () => {
  const store = await tempStore();
  const before = statSync(store.objects.pathOf(await store.objects.put(hello)));
  await using batch = store.objects.ingest();
  const digest = await batch.putBytes(hello);
  expect(await batch.commit()).toEqual({ objects: 0, sizeBytes: 0 });
  expect(statSync(store.objects.pathOf(digest)).ino).toBe(before.ino);
});

test('the same contents many times in one batch are one object', async () => {
  const store = await tempStore();
  const large = Buffer.alloc(INLINE_BYTES_MAX + 5, 1);
  await using batch = store.objects.ingest();
  await Promise.all(Array.from({ length: 10 }, () => batch.putBytes(hello)));
  await Promise.all(Array.from({ length: 4 }, () => batch.putStream(chunked(large, 300_000))));
  expect(await batch.commit()).toEqual({ objects: 2, sizeBytes: hello.length + large.length });
  expect(unfinished(store)).toHaveLength(1);
});

test('more objects than are flushed one by one are published together', async () => {
  const store = await tempStore();
  await using batch = store.objects.ingest();
  const digests = await Promise.all(Array.from({ length: 700 }, (_, index) => batch.putBytes(Buffer.from(`${index}`))));
  await batch.commit();
  expect(digests.every((digest) => store.objects.has(digest))).toBe(true);
  const listed: string[] = [];
  for await (const digest of store.objects.list()) listed.push(digest);
  expect(listed.toSorted()).toEqual(digests.toSorted());
});

test('contents other than expected are refused and not kept', async () => {
  const store = await tempStore();
  const other = store.objects.hash.of(Buffer.from('other'));
  await using batch = store.objects.ingest();
  const large = chunked(Buffer.alloc(2 * INLINE_BYTES_MAX), 65_536);
  await expect(batch.putBytes(hello, { expected: other })).rejects.toMatchObject({ code: 'NETWORK' });
  await expect(batch.putStream(large, { expected: other })).rejects.toMatchObject({ code: 'NETWORK' });
  expect(await batch.commit()).toEqual({ objects: 0, sizeBytes: 0 });
  expect(readdirSync(join(store.folder, 'cas/tmp', unfinished(store)[0]!))).toEqual([]);
});

test('a file of the host can be put', async () => {
  const store = await tempStore();
  const path = join(tempFolder(), 'file');
  writeFileSync(path, hello);
  await using batch = store.objects.ingest();
  const { digest } = await batch.putFile(path);
  await batch.commit();
  expect(store.objects.read(digest)).toEqual(hello);
});

test('damage is found, refused to readers, and healed by putting the object again', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(hello);
  chmodSync(store.objects.pathOf(digest), 0o600);
  truncateSync(store.objects.pathOf(digest), 3);
  expect(await store.objects.verify(digest)).toBe('damaged');
  expect(() => store.objects.read(digest)).toThrow(expect.objectContaining({ code: 'DEPENDENCY' }));
  await store.objects.put(hello);
  expect(await store.objects.verify(digest)).toBe('ok');
});

test('an absent object is not found', async () => {
  const { objects } = await tempStore();
  const digest = objects.hash.of(hello);
  expect(await objects.verify(digest)).toBe('absent');
  expect(await objects.open(digest)).toBeUndefined();
  expect(() => objects.read(digest)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test.each(['', '..', '../../etc/passwd', 'A'.repeat(64), 'a'.repeat(63), `${'a'.repeat(64)}\n`])(
  'what is no digest never becomes a path: %j',
  async (text) => {
    const { objects } = await tempStore();
    expect(() => objects.has(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);

test('what a killed agent left is gone after the next start, and what it published is not', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(hello);
  const batch = store.objects.ingest();
  await batch.putBytes(Buffer.from('half'));
  mkdirSync(join(store.folder, 'images/.unfinished-1-x/rootfs'), { recursive: true });
  writeFileSync(join(store.folder, 'images/.unfinished-1-x/rootfs/file'), '');
  expect(unfinished(store)).toHaveLength(2);

  const next = await tempStore(store.folder);
  expect(unfinished(next)).toEqual([]);
  expect(next.objects.has(digest)).toBe(true);
});

test('a batch that replaces writes what is there once more', async () => {
  const store = await tempStore();
  const digest = await store.objects.put(Buffer.from('whole'));
  chmodSync(store.objects.pathOf(digest), 0o600);
  writeFileSync(store.objects.pathOf(digest), 'w-ole');
  await store.objects.put(Buffer.from('whole'));
  expect(await store.objects.verify(digest)).toBe('damaged');
  await using batch = store.objects.ingest({ replaces: true });
  await batch.putBytes(Buffer.from('whole'));
  await batch.commit();
  expect(await store.objects.verify(digest)).toBe('ok');
});

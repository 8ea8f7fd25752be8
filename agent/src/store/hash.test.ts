import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { type Hash, openHash, openWasmHash } from './hash.ts';

/** The official test vectors of BLAKE3: the input of length n is 0, 1, 2, … 250, 0, 1, … */
const vectors: Record<number, string> = {
  0: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
  1: '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
  1023: '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11',
  1024: '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
  1025: 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444',
  2048: 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a',
  8192: 'aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63',
  31744: '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47',
  102400: 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085',
};

const input = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);

function streamed(hash: Hash, bytes: Uint8Array, chunk: number): string {
  const hasher = hash.start();
  for (let at = 0; at < bytes.length; at += chunk) hasher.update(bytes.subarray(at, at + chunk));
  const digest = hasher.end();
  hasher.dispose();
  return digest;
}

const implementations = { native: () => openHash(), wasm: openWasmHash };

describe.each(Object.entries(implementations))('%s', (name, open) => {
  test('is what it says', async () => expect((await open()).implementation).toBe(name));

  test.each(Object.entries(vectors))('gives the official digest of %s bytes', async (length, digest) => {
    const hash = await open();
    const bytes = input(Number(length));
    expect(hash.of(bytes)).toBe(digest);
    expect(streamed(hash, bytes, 1000)).toBe(digest);
  });

  test('hashes what is larger than one call can take', async () => {
    const hash = await open();
    const bytes = new Uint8Array(9 * 1024 * 1024).fill(7);
    expect(hash.of(bytes)).toBe(streamed(hash, bytes, 65_536));
  });

  test('may be given up half-way', async () => {
    const hasher = (await open()).start();
    hasher.update(input(5000));
    hasher.dispose();
  });
});

test('the addon can be loaded from a path', async () => {
  const require = createRequire(import.meta.url);
  const entry = createRequire(require.resolve('@napi-rs/blake-hash'));
  const nativePath = entry.resolve(`@napi-rs/blake-hash-linux-${process.arch}-gnu`);
  const hash = await openHash({ nativePath });
  expect(hash.implementation).toBe('native');
  expect(hash.of(input(1))).toBe(vectors[1]);
});

test('an addon that does not load gives way to WebAssembly', async () => {
  const hash = await openHash({ nativePath: '/nonexistent.node' });
  expect(hash.implementation).toBe('wasm');
});

/**
 * All hashes behind one door: SHA-2 is Node's own, BLAKE3 is not. The native addon is several times faster than
 * WebAssembly; the latter serves where there is no prebuilt addon.
 *
 * The build replaces the package of the addon by one that takes it from the
 * single binary; a caller that has the `.node` file elsewhere passes its path.
 */
import { createHash } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';
import type { Digest } from './digest.ts';

export type Algorithm = 'blake3' | 'sha256' | 'sha512';

/** BLAKE3 where no algorithm is given. */
export interface Hash {
  readonly implementation: 'native' | 'wasm';
  /** The digest of bytes that are all there. */
  of(bytes: Uint8Array, algorithm?: Algorithm): Digest;
  /** For bytes that come in parts. */
  start(algorithm?: Algorithm): Hasher;
}

type Blake3 = { readonly of: (bytes: Uint8Array) => Digest; readonly start: () => Hasher };

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Once. */
  end(): Digest;
  /** Must be called in the end, also after `end`: WebAssembly memory is not collected. */
  dispose(): void;
}

interface NativeBlake3 {
  blake3(input: Uint8Array): Buffer;
  Blake3Hasher: new () => { update(input: Uint8Array): unknown; digest(format: 'hex'): string };
}

/** The WebAssembly module has a scratch buffer of this size and miscounts what is larger. */
const WASM_UPDATE_BYTES_MAX = 1024 * 1024;

type Wasm = typeof import('blake3');
let loadedWasm: Promise<Wasm> | undefined;

export async function openHash(options: { nativePath?: string | undefined } = {}): Promise<Hash> {
  const native = await loadNative(options.nativePath);
  return native ? withSha2('native', nativeBlake3(native)) : openWasmHash();
}

/** The fallback by itself, so that tests can hold it to the same vectors. */
export async function openWasmHash(): Promise<Hash> {
  const wasm = await loadWasm();
  const start = (): Hasher => {
    const hasher = wasm.createHash();
    return {
      update: (bytes) => {
        for (let at = 0; at < bytes.byteLength; at += WASM_UPDATE_BYTES_MAX) {
          hasher.update(bytes.subarray(at, at + WASM_UPDATE_BYTES_MAX));
        }
      },
      end: () => hasher.digest().toString('hex'),
      dispose: () => hasher.dispose(),
    };
  };
  const of = (bytes: Uint8Array): Digest => {
    const hasher = start();
    try {
      hasher.update(bytes);
      return hasher.end();
    } finally {
      hasher.dispose();
    }
  };
  return withSha2('wasm', { of, start });
}

/**
 * Once in a process: a second `load` makes a new instance while the package
 * keeps using an address of the first, and digests come out wrong.
 */
function loadWasm(): Promise<Wasm> {
  loadedWasm ??= import('blake3').then(
    async (wasm) => {
      await wasm.load();
      return wasm;
    },
    (thrown: unknown) => {
      throw new VoltError('DEPENDENCY', 'No BLAKE3 implementation can be loaded', {
        hint: 'reinstall volt: its hash module is missing or does not fit this machine',
        cause: thrown,
      });
    },
  );
  return loadedWasm;
}

function withSha2(implementation: Hash['implementation'], blake3: Blake3): Hash {
  return {
    implementation,
    of: (bytes, algorithm = 'blake3') =>
      algorithm === 'blake3' ? blake3.of(bytes) : createHash(algorithm).update(bytes).digest('hex'),
    start: (algorithm = 'blake3') => (algorithm === 'blake3' ? blake3.start() : startSha2(algorithm)),
  };
}

function startSha2(algorithm: Algorithm): Hasher {
  const hasher = createHash(algorithm);
  return { update: (bytes) => void hasher.update(bytes), end: () => hasher.digest('hex'), dispose: () => {} };
}

function nativeBlake3(native: NativeBlake3): Blake3 {
  return {
    of: (bytes) => native.blake3(bytes).toString('hex'),
    start: () => {
      const hasher = new native.Blake3Hasher();
      return { update: (bytes) => void hasher.update(bytes), end: () => hasher.digest('hex'), dispose: () => {} };
    },
  };
}

async function loadNative(nativePath: string | undefined): Promise<NativeBlake3 | undefined> {
  try {
    if (nativePath === undefined) return await import('@napi-rs/blake-hash');
    const addon: { exports: unknown } = { exports: {} };
    process.dlopen(addon, nativePath);
    return addon.exports as NativeBlake3;
  } catch {
    // No addon for this platform: WebAssembly gives the same digests.
    return undefined;
  }
}

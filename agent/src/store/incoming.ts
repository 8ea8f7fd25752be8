/**
 * Large objects on their way from peers, each in a file that outlives what
 * began it: what broke off is gone on with, from another peer or after a
 * restart. Nothing here is trusted until all of it is there and fits its name.
 */
import { chmodSync, constants, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type Digest, isDigest } from './digest.ts';
import { withFsErrors } from './fs-errors.ts';
import type { Hash, Hasher } from './hash.ts';
import type { Layout } from './layout.ts';
import { algorithmsOf, digestOfFile } from './naming.ts';
import { appendStaged } from './staging.ts';

const PREFIX = 'object-';
const READ_BYTES = 1024 * 1024;

export interface Arrival {
  readonly digest: Digest;
  /** Of all of it. */
  readonly sizeBytes: number;
  /** Where what comes begins: what is here before it is kept, what is here after it is not. */
  readonly from: number;
}

/** What nobody went on with for so long is given up. */
const AGE_MS_MAX = 24 * 60 * 60 * 1000;
/** Of disk, for all that nobody is fetching; the youngest stay. */
const KEPT_BYTES_MAX = 16 * 1024 ** 3;
const BLOCK_BYTES = 512;

/** Each object is for one fetch at a time: claims.ts sees to that. */
export class Incoming {
  readonly #folder: string;
  readonly #hash: Hash;

  constructor({ partial }: Layout, hash: Hash) {
    this.#folder = partial;
    this.#hash = hash;
  }

  /** What has begun to arrive, and how much of it is here. */
  list(): Map<Digest, number> {
    const found = new Map<Digest, number>();
    for (const name of namesIn(this.#folder)) {
      const digest = name.slice(PREFIX.length);
      if (name.startsWith(PREFIX) && isDigest(digest)) found.set(digest, this.sizeOf(digest));
    }
    return found;
  }

  /** Paths of what is too old, or too much, to be kept; of what is being fetched, none. */
  stale(nowMs: number, isFetched: (digest: Digest) => boolean): string[] {
    const left = [...this.list().keys()].filter((digest) => !isFetched(digest)).map((digest) => this.#pathOf(digest));
    const files = left.flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ path, changedMs: stats.mtimeMs, bytes: stats.blocks * BLOCK_BYTES }];
    });
    let kept = 0;
    return files
      .toSorted((one, other) => other.changedMs - one.changedMs)
      .filter(({ changedMs, bytes }) => nowMs - changedMs > AGE_MS_MAX || (kept += bytes) > KEPT_BYTES_MAX)
      .map(({ path }) => path);
  }

  /** Removes what is stale. */
  sweep(nowMs: number, isFetched: (digest: Digest) => boolean): void {
    for (const path of this.stale(nowMs, isFetched)) rmSync(path, { force: true });
  }

  sizeOf(digest: Digest): number {
    return statSync(this.#pathOf(digest), { throwIfNoEntry: false })?.size ?? 0;
  }

  /**
   * The path of a file that holds all of the object, checked, for a batch to
   * adopt. Throws NETWORK where the stream ends early, and keeps what came; and
   * where it does not fit its name, and keeps nothing.
   */
  receive(arrival: Arrival, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const { digest } = arrival;
    const path = this.#pathOf(digest);
    return withFsErrors('Cannot store an object', async () => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const [algorithm = 'blake3', ...others] = algorithmsOf(digest);
      const found = await this.#write(path, arrival, { chunks, hasher: this.#hash.start(algorithm) });
      let isWhole = found === digest;
      for (const other of others) isWhole ||= (await digestOfFile(path, this.#hash.start(other))) === digest;
      if (!isWhole) {
        rmSync(path, { force: true });
        throw new VoltError('NETWORK', `Object ${digest} arrived damaged`);
      }
      chmodSync(path, 0o400);
      return path;
    }).catch((thrown: unknown) => {
      // On a full disk it is in the way of everybody, and of itself.
      if (thrown instanceof VoltError && thrown.code === 'RESOURCE') rmSync(path, { force: true });
      throw thrown;
    });
  }

  /** Resolves with the digest of all that is in the file afterwards. */
  async #write(
    path: string,
    { digest, sizeBytes, from }: Arrival,
    { chunks, hasher }: { chunks: AsyncIterable<Uint8Array>; hasher: Hasher },
  ): Promise<Digest> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      await file.truncate(from);
      await hashStart(file, from, hasher);
      let at = from;
      for await (const chunk of chunks) {
        hasher.update(chunk);
        await appendStaged(file, chunk, at);
        at += chunk.byteLength;
      }
      if (at < sizeBytes) throw new VoltError('NETWORK', `Object ${digest} ended after ${at} of ${sizeBytes} bytes`);
      return hasher.end();
    } finally {
      hasher.dispose();
      await file.close();
    }
  }

  #pathOf(digest: Digest): string {
    return join(this.#folder, `${PREFIX}${digest}`);
  }
}

async function hashStart(file: FileHandle, end: number, hasher: Hasher): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let at = 0; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, end - at), at);
    if (bytesRead === 0) return;
    hasher.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nothing ever was on its way.
    return [];
  }
}

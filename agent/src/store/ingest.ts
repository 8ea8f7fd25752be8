/**
 * A batch of objects on their way into the store.
 *
 * Contents are hashed as they come and staged in a folder of this batch; what
 * the store has is not written again. `commit` makes all of them durable for
 * the price of a few flushes and only then gives them their names, so a crash
 * at any moment leaves each object whole or absent.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { Digest } from './digest.ts';
import { flushFiles, fsyncFolder, uniqueName } from './durable.ts';
import { withFsErrors } from './fs-errors.ts';
import type { Hash } from './hash.ts';
import type { Hold, Holds } from './holds.ts';
import { type Layout, objectPath, shardOf } from './layout.ts';
import type { Programs } from '../host/index.ts';

/** Contents up to this size are held in memory and written in one piece. */
export const INLINE_BYTES_MAX = 1024 * 1024;
/** Up to this size a blocking write costs less than the way through the thread pool. */
const BLOCKING_WRITE_BYTES_MAX = 64 * 1024;
/** Renames between two breaths of the event loop: about 5 ms. */
const RENAMES_AT_ONCE = 512;

export interface IngestPorts {
  readonly layout: Layout;
  readonly hash: Hash;
  readonly programs: Programs;
  readonly holds: Holds;
}

export interface PutResult {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface IngestOptions {
  /** Takes all that the batch stages or finds; without one the batch has a hold of its own that ends with it. */
  readonly hold?: Hold | undefined;
  /** Writes what is there already once more: it may be damaged. */
  readonly replaces?: boolean | undefined;
}

export class Ingest implements AsyncDisposable {
  readonly #ports: IngestPorts;
  readonly #folder: string;
  readonly #staged = new Map<Digest, number>();
  readonly #hold: Hold;
  /** Undefined where the hold is the caller's. */
  readonly #ownHold: Hold | undefined;
  readonly #replaces: boolean;
  #isOpen = true;

  constructor(ports: IngestPorts, { hold, replaces = false }: IngestOptions = {}) {
    this.#ports = ports;
    this.#replaces = replaces;
    this.#ownHold = hold === undefined ? ports.holds.open() : undefined;
    this.#hold = hold ?? (this.#ownHold as Hold);
    this.#folder = uniqueName(ports.layout.tmp, 'ingest');
    mkdirSync(this.#folder, { mode: 0o700 });
  }

  /** With `expected`, contents that hash to anything else are refused and leave nothing. */
  putBytes(bytes: Uint8Array, expected?: Digest): Promise<Digest> {
    return withFsErrors('Cannot store an object', async () => {
      const digest = this.#ports.hash.of(bytes);
      checkExpected(digest, expected);
      if (this.#has(digest, bytes.byteLength)) return digest;
      // Marked before the first wait, so that the same contents arriving twice at once are written once.
      this.#staged.set(digest, bytes.byteLength);
      try {
        await this.#write(digest, bytes);
      } catch (thrown) {
        this.#staged.delete(digest);
        throw thrown;
      }
      return digest;
    });
  }

  /** Contents of unknown size. Memory stays flat however much comes. */
  putStream(chunks: AsyncIterable<Uint8Array>, expected?: Digest): Promise<PutResult> {
    return withFsErrors('Cannot store an object', async () => {
      const iterator = chunks[Symbol.asyncIterator]();
      const held: Uint8Array[] = [];
      let sizeBytes = 0;
      try {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          held.push(next.value);
          sizeBytes += next.value.byteLength;
          if (sizeBytes > INLINE_BYTES_MAX) return await this.#putLarge(held, iterator, expected);
        }
      } finally {
        await iterator.return?.();
      }
      return { digest: await this.putBytes(Buffer.concat(held), expected), sizeBytes };
    });
  }

  async putFile(path: string): Promise<PutResult> {
    const file = await open(path, 'r');
    return this.putStream(file.createReadStream({ highWaterMark: INLINE_BYTES_MAX }));
  }

  /** Publishes everything put so far. When it resolves, all of it survives a power loss. */
  commit(): Promise<{ objects: number; sizeBytes: number }> {
    return withFsErrors('Cannot publish objects', async () => {
      const { layout, programs } = this.#ports;
      const digests = [...this.#staged.keys()];
      const sizeBytes = [...this.#staged.values()].reduce((sum, size) => sum + size, 0);
      await flushFiles(
        this.#folder,
        digests.map((digest) => join(this.#folder, digest)),
        programs,
      );
      const shards = makeShards(layout, digests);
      for (const [index, digest] of digests.entries()) {
        if (index % RENAMES_AT_ONCE === RENAMES_AT_ONCE - 1) await breath();
        renameSync(join(this.#folder, digest), objectPath(layout, digest));
        this.#staged.delete(digest);
      }
      await flushFiles(layout.objects, shards, programs);
      return { objects: digests.length, sizeBytes };
    });
  }

  /** Drops what was not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#ownHold?.[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Held before it is looked for, so that what is found stays. An object of
   * another size than it should have is damaged; writing it again heals it.
   */
  #has(digest: Digest, sizeBytes: number): boolean {
    if (!this.#isOpen) throw new VoltError('INTERRUPTED', 'This batch of objects was given up');
    this.#hold.add(digest);
    if (this.#staged.has(digest)) return true;
    if (this.#replaces) return false;
    return statSync(objectPath(this.#ports.layout, digest), { throwIfNoEntry: false })?.size === sizeBytes;
  }

  async #write(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, digest);
    if (bytes.byteLength > BLOCKING_WRITE_BYTES_MAX) {
      const file = await open(path, 'wx', 0o400);
      return writeAndClose(file, async () => writeAll(file, bytes));
    }
    const fd = openSync(path, 'wx', 0o400);
    try {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
  }

  async #putLarge(held: Uint8Array[], rest: AsyncIterator<Uint8Array>, expected?: Digest): Promise<PutResult> {
    const staging = uniqueName(this.#folder, 'large');
    const hasher = this.#ports.hash.start();
    try {
      const file = await open(staging, 'wx', 0o400);
      let sizeBytes = 0;
      const add = async (chunk: Uint8Array): Promise<void> => {
        sizeBytes += chunk.byteLength;
        hasher.update(chunk);
        await writeAll(file, chunk);
      };
      await writeAndClose(file, async () => {
        for (const chunk of held) await add(chunk);
        for (let next = await rest.next(); !next.done; next = await rest.next()) await add(next.value);
      });
      const digest = hasher.end();
      checkExpected(digest, expected);
      if (this.#has(digest, sizeBytes)) {
        rmSync(staging);
      } else {
        renameSync(staging, join(this.#folder, digest));
        this.#staged.set(digest, sizeBytes);
      }
      return { digest, sizeBytes };
    } catch (thrown) {
      rmSync(staging, { force: true });
      throw thrown;
    } finally {
      hasher.dispose();
    }
  }
}

/** The folders these objects go to; those that are new are durable before anything is in them. */
function makeShards(layout: Layout, digests: readonly Digest[]): string[] {
  const shards = [...new Set(digests.map((digest) => shardOf(layout, digest)))];
  const created = shards.filter((shard) => mkdirSync(shard, { recursive: true, mode: 0o700 }) !== undefined);
  if (created.length > 0) fsyncFolder(layout.objects);
  return shards;
}

function checkExpected(actual: Digest, expected: Digest | undefined): void {
  if (expected === undefined || actual === expected) return;
  throw new VoltError('NETWORK', `Object ${expected} arrived damaged`);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
}

async function writeAndClose(file: FileHandle, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } finally {
    await file.close();
  }
}

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

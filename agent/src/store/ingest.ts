/**
 * A batch of objects on their way into the store.
 *
 * Contents are hashed as they come and staged in a folder of this batch; what
 * the store has is not written again. `commit` makes all of them durable for
 * the price of a few flushes and only then gives them their names, so a crash
 * at any moment leaves each object whole or absent.
 */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { Digest } from './digest.ts';
import { flushFiles, fsyncFolder, uniqueName } from './durable.ts';
import { withFsErrors } from './fs-errors.ts';
import type { Algorithm, Hash } from './hash.ts';
import type { Hold, Holds } from './holds.ts';
import { type Layout, objectPath, shardOf } from './layout.ts';
import { checkExpected, type Digests, digestOfFile, likelyAlgorithms } from './naming.ts';
import type { Programs } from '../host/index.ts';
import { writeStaged, writeStagedStream } from './staging.ts';

/** Contents up to this size are held in memory and written in one piece. */
export const INLINE_BYTES_MAX = 1024 * 1024;
/** Renames between two breaths of the event loop: about 5 ms. */
const RENAMES_AT_ONCE = 512;

export interface IngestPorts {
  readonly layout: Layout;
  readonly hash: Hash;
  readonly programs: Programs;
  readonly holds: Holds;
}

export interface PutOptions {
  /** What names the object; that of `expected` when not given, else BLAKE3. */
  readonly algorithm?: Algorithm | undefined;
  /** Contents that hash to anything else are refused and leave nothing. The name of an object tells how it was made. */
  readonly expected?: Digest | { readonly algorithm: Algorithm; readonly digest: Digest } | undefined;
  /** Further digests wanted of the same contents. */
  readonly also?: readonly Algorithm[] | undefined;
}

export interface PutResult {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** By all algorithms that were used. */
  readonly digests: Digests;
}

interface Staged {
  readonly path: string;
  readonly sizeBytes: number;
  isFlushed?: boolean;
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
  readonly #staged = new Map<Digest, Staged>();
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

  async putBytes(bytes: Uint8Array, options: PutOptions = {}): Promise<Digest> {
    return (await this.#putSmall(bytes, options)).digest;
  }

  /** Contents of unknown size. Memory stays flat however much comes. */
  putStream(chunks: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<PutResult> {
    return withFsErrors('Cannot store an object', async () => {
      const iterator = chunks[Symbol.asyncIterator]();
      const held: Uint8Array[] = [];
      let sizeBytes = 0;
      try {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          held.push(next.value);
          sizeBytes += next.value.byteLength;
          if (sizeBytes > INLINE_BYTES_MAX) return await this.#putLarge(held, iterator, options);
        }
      } finally {
        await iterator.return?.();
      }
      return this.#putSmall(Buffer.concat(held), options);
    });
  }

  async putFile(path: string): Promise<PutResult> {
    const file = await open(path, 'r');
    return this.putStream(file.createReadStream({ highWaterMark: INLINE_BYTES_MAX }));
  }

  /** Whether the store has this object or will have it by this batch. What is found stays while the hold lasts. */
  relyOn(digest: Digest, sizeBytes: number): boolean {
    return this.#has(digest, sizeBytes);
  }

  /** A folder of this batch for somebody who writes files for `adopt`. */
  makeFolder(): string {
    const folder = uniqueName(this.#folder, 'others');
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  /**
   * Takes a file that lies in a folder of `makeFolder`, closed, with the
   * contents of this digest. Nobody looks whether it is there by now: a second
   * file of the same contents takes the place of the first.
   */
  adopt(digest: Digest, sizeBytes: number, path: string): void {
    this.#checkOpen();
    this.#hold.add(digest);
    const staged = this.#staged.get(digest);
    if (staged === undefined) this.#staged.set(digest, { path, sizeBytes });
    else if (staged.path !== path) rmSync(path, { force: true });
  }

  /** Makes what was put so far durable, still without its names: the rest of the work may go on meanwhile. */
  flush(): Promise<void> {
    return withFsErrors('Cannot store objects', async () => {
      const staged = [...this.#staged.values()].filter((one) => !one.isFlushed);
      const paths = staged.map(({ path }) => path);
      await flushFiles(this.#folder, paths, this.#ports.programs);
      for (const one of staged) one.isFlushed = true;
    });
  }

  /** Publishes everything put so far. When it resolves, all of it survives a power loss. */
  commit(): Promise<{ objects: number; sizeBytes: number }> {
    return withFsErrors('Cannot publish objects', async () => {
      const { layout, programs } = this.#ports;
      const staged = [...this.#staged];
      const sizeBytes = staged.reduce((sum, [, one]) => sum + one.sizeBytes, 0);
      await this.flush();
      const shards = makeShards(
        layout,
        staged.map(([digest]) => digest),
      );
      for (const [index, [digest, { path }]] of staged.entries()) {
        if (index % RENAMES_AT_ONCE === RENAMES_AT_ONCE - 1) await breath();
        renameSync(path, objectPath(layout, digest));
        this.#staged.delete(digest);
      }
      await flushFiles(layout.objects, shards, programs);
      return { objects: staged.length, sizeBytes };
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
    this.#checkOpen();
    this.#hold.add(digest);
    if (this.#staged.has(digest)) return true;
    if (this.#replaces) return false;
    return statSync(objectPath(this.#ports.layout, digest), { throwIfNoEntry: false })?.size === sizeBytes;
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new VoltError('INTERRUPTED', 'This batch of objects was given up');
  }

  #putSmall(bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return withFsErrors('Cannot store an object', async () => {
      const { hash } = this.#ports;
      const digests: Record<string, Digest> = {};
      const digestBy = async (one: Algorithm): Promise<Digest> => (digests[one] ??= hash.of(bytes, one));
      const algorithm = await checkExpected(options, digestBy);
      for (const other of options.also ?? []) await digestBy(other);
      const result = { digest: await digestBy(algorithm), sizeBytes: bytes.byteLength, digests };
      if (this.#has(result.digest, bytes.byteLength)) return result;
      // Marked before the first wait, so that the same contents arriving twice at once are written once.
      const path = join(this.#folder, result.digest);
      this.#staged.set(result.digest, { path, sizeBytes: bytes.byteLength });
      try {
        await writeStaged(path, bytes);
      } catch (thrown) {
        this.#staged.delete(result.digest);
        throw thrown;
      }
      return result;
    });
  }

  async #putLarge(held: Uint8Array[], rest: AsyncIterator<Uint8Array>, options: PutOptions): Promise<PutResult> {
    const staging = uniqueName(this.#folder, 'large');
    const { hash } = this.#ports;
    const likely = likelyAlgorithms(options);
    const hashers = likely.map((algorithm) => hash.start(algorithm));
    try {
      const sizeBytes = await writeStagedStream(staging, joined(held, rest), (chunk) => {
        for (const hasher of hashers) hasher.update(chunk);
      });
      const digests: Record<string, Digest> = {};
      for (const [at, hasher] of hashers.entries()) digests[likely[at] as Algorithm] = hasher.end();
      const digestBy = async (one: Algorithm): Promise<Digest> =>
        (digests[one] ??= await digestOfFile(staging, hash.start(one)));
      const algorithm = await checkExpected(options, digestBy);
      const digest = await digestBy(algorithm);
      if (this.#has(digest, sizeBytes)) {
        rmSync(staging);
      } else {
        const path = join(this.#folder, digest);
        renameSync(staging, path);
        this.#staged.set(digest, { path, sizeBytes });
      }
      return { digest, sizeBytes, digests };
    } catch (thrown) {
      rmSync(staging, { force: true });
      throw thrown;
    } finally {
      for (const hasher of hashers) hasher.dispose();
    }
  }
}

async function* joined(held: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* held;
  // What was held must not stay in memory while the rest goes by.
  held.length = 0;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The folders these objects go to; those that are new are durable before anything is in them. */
function makeShards(layout: Layout, digests: readonly Digest[]): string[] {
  const shards = [...new Set(digests.map((digest) => shardOf(layout, digest)))];
  const created = shards.filter((shard) => mkdirSync(shard, { recursive: true, mode: 0o700 }) !== undefined);
  if (created.length > 0) fsyncFolder(layout.objects);
  return shards;
}

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

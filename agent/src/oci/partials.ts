/**
 * Blobs on their way from registries, in a folder that outlives the agent: a
 * pull that broke off goes on where it was. What is in a file here is not
 * checked yet; whoever reads it checks, in the one pass that unpacks it.
 */
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { checkDigest, withFsErrors } from '../store/index.ts';
import type { Descriptor } from './schemas.ts';
import { writeAll } from './spool.ts';

/** What nobody went on with for so long is given up. */
const AGE_MS_MAX = 7 * 24 * 3600 * 1000;
const BLOB_NAME = /^sha(?:256|512)-[0-9a-f]+$/;
const READ_BYTES = 256 * 1024;
/** Attempts that bring nothing new, in a row. */
const FRUITLESS_MAX = 3;

/** Asks for a blob from `from` on. Resolves with where what comes begins: a server may not know how to go on. */
export type Ask = (from: number) => Promise<{ readonly from: number; readonly chunks: AsyncIterable<Uint8Array> }>;

interface Use {
  count: number;
  download: Promise<void> | undefined;
}

export class Partials {
  readonly #folder: string;
  /** Images share layers: two pulls of one blob at once are one download. */
  readonly #uses = new Map<string, Use>();

  /** The folder is made when it is first needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Keeps the file of a blob until it is released, as often as it was taken. */
  take({ digest }: Descriptor): void {
    const use = this.#use(digest);
    use.count++;
  }

  /** `isDone`: it is read and right, or it is wrong; either way nobody will want what is here. */
  release({ digest }: Descriptor, isDone: boolean): void {
    const use = this.#use(digest);
    if (--use.count > 0) return;
    this.#uses.delete(digest);
    if (isDone) rmSync(this.#pathOf(digest), { force: true });
  }

  /** Resolves when all of it is here. */
  fetch(blob: Descriptor, ask: Ask, onBytes: (count: number) => void): Promise<void> {
    const use = this.#use(blob.digest);
    use.download ??= withFsErrors('Cannot store a layer', () => this.#download(blob, ask, onBytes)).catch(
      (thrown: unknown) => {
        // The next one who wants it tries again.
        use.download = undefined;
        throw thrown;
      },
    );
    return use.download;
  }

  read({ digest }: Descriptor): AsyncIterable<Uint8Array> {
    return createReadStream(this.#pathOf(digest), { highWaterMark: READ_BYTES });
  }

  /** Removes what was left long ago. */
  sweep(nowMs: number): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      // The store has what is on its way from other nodes here, too.
      if (!BLOB_NAME.test(name)) continue;
      const path = join(this.#folder, name);
      const found = statSync(path, { throwIfNoEntry: false });
      const isUsed = this.#uses.has(name.replace('-', ':'));
      if (found !== undefined && !isUsed && nowMs - found.mtimeMs > AGE_MS_MAX) rmSync(path, { force: true });
    }
  }

  async #download(blob: Descriptor, ask: Ask, onBytes: (count: number) => void): Promise<void> {
    const path = this.#pathOf(blob.digest);
    let have = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (have > blob.size) {
      rmSync(path, { force: true });
      have = 0;
    }
    onBytes(have);
    for (let fruitless = 0; have < blob.size;) {
      const before = have;
      try {
        have = await this.#append(path, { blob, have, ask, onBytes });
        if (have < blob.size)
          throw new VoltError('NETWORK', `${blob.digest} ended after ${have} of ${blob.size} bytes`);
      } catch (thrown) {
        const isLine = thrown instanceof VoltError && thrown.code === 'NETWORK';
        have = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
        fruitless = have > before ? 0 : fruitless + 1;
        if (!isLine || fruitless >= FRUITLESS_MAX) throw thrown;
      }
    }
  }

  async #append(
    path: string,
    { blob, have, ask, onBytes }: { blob: Descriptor; have: number; ask: Ask; onBytes: (count: number) => void },
  ): Promise<number> {
    const { from, chunks } = await ask(have);
    const file = await open(path, from === have ? 'a' : 'w', 0o600);
    let size = from;
    onBytes(from - have);
    try {
      for await (const chunk of chunks) {
        size += chunk.byteLength;
        if (size > blob.size) throw tooLong(blob.digest);
        await writeAll(file, chunk);
        onBytes(chunk.byteLength);
      }
    } finally {
      await file.close();
    }
    return size;
  }

  #use(digest: string): Use {
    const use = this.#uses.get(digest) ?? { count: 0, download: undefined };
    this.#uses.set(digest, use);
    return use;
  }

  #pathOf(digest: string): string {
    const [algorithm = '', hex = ''] = digest.split(':');
    return join(this.#folder, `${algorithm}-${checkDigest(hex)}`);
  }
}

const tooLong = (digest: string): VoltError =>
  new VoltError('INVALID_CONFIG', `Bad image: ${digest} is longer than it should be`);

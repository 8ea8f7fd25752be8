/**
 * What is done with many files at a time, by whichever thread: hashing,
 * staging and checking them. Small ones by blocking calls, which cost least.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { Digest } from './digest.ts';
import { errnoOf } from './fs-errors.ts';
import type { Hash, Hasher } from './hash.ts';
import { algorithmsOf } from './naming.ts';
import { writeStagedStream, writeStagedSync } from './staging.ts';

/** Contents up to this size are read in one piece. */
const WHOLE_BYTES_MAX = 1024 * 1024;
/** Pieces of larger ones. */
const AHEAD_BYTES = 1024 * 1024;

export type Job = StageJob | CheckJob;

interface StageJob {
  readonly kind: 'stage';
  readonly objects: string;
  /** Where what is not among the objects is written, under its digest. */
  readonly folder: string;
  readonly files: readonly FileToStage[];
}

interface CheckJob {
  readonly kind: 'check';
  readonly objects: string;
  readonly digests: readonly Digest[];
}

export interface FileToStage {
  readonly path: string | Uint8Array;
  readonly stamp: Stamp;
  /** Write it even where an object of this name is seen. */
  readonly always?: boolean | undefined;
}

/** Which file it is, and which state of it. */
export interface Stamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * One for each file, which is staged under its digest unless the object was
 * there. Undefined for a file that is not what its stamp says, or was written to.
 */
export type StagedFile = { readonly digest: Digest; readonly isStaged: boolean } | undefined;

export interface CheckedObject {
  readonly state: 'ok' | 'damaged' | 'absent';
  readonly sizeBytes: number;
}

export type Done<J extends Job> = J extends { kind: 'stage' } ? readonly StagedFile[] : readonly CheckedObject[];

export class Worker {
  readonly #hash: Hash;
  readonly #buffer = Buffer.allocUnsafeSlow(WHOLE_BYTES_MAX + 1);
  readonly #ahead = [this.#buffer, Buffer.allocUnsafeSlow(AHEAD_BYTES)] as const;
  #largeFiles = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** One job after the other: they share a buffer. */
  run<J extends Job>(job: J): Promise<Done<J>>;
  async run(job: Job): Promise<readonly StagedFile[] | readonly CheckedObject[]> {
    if (job.kind === 'check') {
      const checked: CheckedObject[] = [];
      for (const digest of job.digests) checked.push(await this.#check(objectIn(job.objects, digest), digest));
      return checked;
    }
    const staged: StagedFile[] = [];
    for (const file of job.files) staged.push(await this.#stage(file, job));
    return staged;
  }

  async #stage(file: FileToStage, job: StageJob): Promise<StagedFile> {
    const fd = openSource(file.path);
    if (fd === undefined) return undefined;
    try {
      const isSmall = file.stamp.size <= WHOLE_BYTES_MAX;
      return isSmall ? this.#stageSmall(fd, file, job) : await this.#stageLarge(fd, file, job);
    } finally {
      fs.closeSync(fd);
    }
  }

  #stageSmall(fd: number, file: FileToStage, job: StageJob): StagedFile {
    const size = readAll(fd, this.#buffer.subarray(0, Number(file.stamp.size)));
    if (!isUnchanged(fd, file.stamp) || BigInt(size) !== file.stamp.size) return undefined;
    const bytes = this.#buffer.subarray(0, size);
    const digest = this.#hash.of(bytes);
    if (!file.always && sizeOf(objectIn(job.objects, digest)) === size) return { digest, isStaged: false };
    const path = join(job.folder, digest);
    try {
      writeStagedSync(path, bytes);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
    return { digest, isStaged: true };
  }

  /** Written while it is hashed: reading it twice costs more than a copy in vain. */
  async #stageLarge(fd: number, file: FileToStage, job: StageJob): Promise<StagedFile> {
    const staging = join(job.folder, `large-${threadId}-${this.#largeFiles++}`);
    const hasher = this.#hash.start();
    try {
      const size = await writeStagedStream(staging, readAhead(fd, this.#ahead), (chunk) => hasher.update(chunk));
      if (!isUnchanged(fd, file.stamp) || BigInt(size) !== file.stamp.size) return discard(staging, undefined);
      const digest = hasher.end();
      if (!file.always && sizeOf(objectIn(job.objects, digest)) === size)
        return discard(staging, { digest, isStaged: false });
      const path = join(job.folder, digest);
      fs.renameSync(staging, path);
      return { digest, isStaged: true };
    } finally {
      hasher.dispose();
    }
  }

  async #check(path: string, digest: Digest): Promise<CheckedObject> {
    const fd = openIfThere(path);
    if (fd === undefined) return { state: 'absent', sizeBytes: 0 };
    try {
      const first = readAll(fd, this.#buffer);
      const isWhole = first < this.#buffer.length;
      const sizeBytes = isWhole ? first : fs.fstatSync(fd).size;
      for (const algorithm of algorithmsOf(digest)) {
        const bytes = this.#buffer.subarray(0, first);
        const found = isWhole ? this.#hash.of(bytes, algorithm) : await this.#digestOf(fd, this.#hash.start(algorithm));
        if (found === digest) return { state: 'ok', sizeBytes };
      }
      return { state: 'damaged', sizeBytes };
    } finally {
      fs.closeSync(fd);
    }
  }

  async #digestOf(fd: number, hasher: Hasher): Promise<Digest> {
    try {
      for await (const chunk of readAhead(fd, this.#ahead)) hasher.update(chunk);
      return hasher.end();
    } finally {
      hasher.dispose();
    }
  }
}

/** From the start of the file. While one piece is worked on, the next is read. */
async function* readAhead(fd: number, buffers: readonly [Buffer, Buffer]): AsyncGenerator<Buffer> {
  let at = 0;
  const read = (turn: number): Promise<Buffer> => readAt(fd, buffers[turn % 2] as Buffer, at);
  let next = read(0);
  try {
    for (let turn = 1; ; turn++) {
      const chunk = await next;
      if (chunk.length === 0) return;
      at += chunk.length;
      next = read(turn);
      // Heard of at the next turn, or below.
      next.catch(() => {});
      yield chunk;
    }
  } finally {
    // If the user of a piece fails: the next one must not arrive when the file is closed and the buffer another's.
    await next.catch(() => {});
  }
}

const readAt = (fd: number, buffer: Buffer, at: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.length, at, (error, size) => {
      if (error === null) resolve(buffer.subarray(0, size));
      else reject(error);
    });
  });

/** As objectPath in layout.ts, for a digest that is one. */
const objectIn = (objects: string, digest: Digest): string => `${objects}/${digest.slice(0, 2)}/${digest}`;

const sizeOf = (path: string): number | undefined => fs.statSync(path, { throwIfNoEntry: false })?.size;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Undefined where it is gone or no longer a file. */
function openSource(path: string | Uint8Array): number | undefined {
  try {
    // What was a file may be a pipe by the time it is opened, and would keep us waiting for its other end.
    return fs.openSync(typeof path === 'string' ? path : Buffer.from(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(thrown) ?? '')) return undefined;
    throw thrown;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return fs.openSync(path, 'r');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** From where the file is: as much as there is, or the buffer full. */
function readAll(fd: number, buffer: Buffer): number {
  let size = 0;
  while (size < buffer.length) {
    const read = fs.readSync(fd, buffer, size, buffer.length - size, null);
    if (read === 0) break;
    size += read;
  }
  return size;
}

/** After reading: whatever was written in the meantime moved the time of its last change. */
function isUnchanged(fd: number, stamp: Stamp): boolean {
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.fstatSync(fd, { bigint: true });
  return (
    ino === stamp.ino &&
    size === stamp.size &&
    ctimeNs === stamp.ctimeNs &&
    mtimeNs === stamp.mtimeNs &&
    dev === stamp.dev
  );
}

function discard<T>(path: string, result: T): T {
  fs.rmSync(path);
  return result;
}

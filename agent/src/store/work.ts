/**
 * What is done with many files at a time, by whichever thread: hashing,
 * staging and checking them. Blocking calls throughout.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { Digest } from './digest.ts';
import { errnoOf } from './fs-errors.ts';
import type { Algorithm, Hash } from './hash.ts';
import { algorithmsOf } from './naming.ts';
import { writeStagedSync, writeWithHoles } from './staging.ts';

/** Contents up to this size are read in one piece. */
const WHOLE_BYTES_MAX = 1024 * 1024;

export type Job =
  | {
      readonly kind: 'stage';
      readonly objects: string;
      /** Where what is not among the objects is written, under its digest. */
      readonly folder: string;
      readonly files: readonly FileToStage[];
    }
  | { readonly kind: 'check'; readonly objects: string; readonly digests: readonly Digest[] };

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
 * One for each file. `path` is where it is staged; without one the object was
 * there. Undefined for a file that is not what its stamp says, or was written to.
 */
export type StagedFile = { readonly digest: Digest; readonly path?: string | undefined } | undefined;

export interface CheckedObject {
  readonly state: 'ok' | 'damaged' | 'absent';
  readonly sizeBytes: number;
}

export type Done<J extends Job> = J extends { kind: 'stage' } ? readonly StagedFile[] : readonly CheckedObject[];

export class Worker {
  readonly #hash: Hash;
  readonly #buffer = Buffer.allocUnsafeSlow(WHOLE_BYTES_MAX + 1);
  #largeFiles = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  run<J extends Job>(job: J): Done<J>;
  run(job: Job): readonly StagedFile[] | readonly CheckedObject[] {
    if (job.kind === 'check') return job.digests.map((digest) => this.#check(objectIn(job.objects, digest), digest));
    return job.files.map((file) => this.#stage(file, job));
  }

  #stage(file: FileToStage, job: Extract<Job, { kind: 'stage' }>): StagedFile {
    const fd = openSource(file.path);
    if (fd === undefined) return undefined;
    try {
      return file.stamp.size <= WHOLE_BYTES_MAX ? this.#stageSmall(fd, file, job) : this.#stageLarge(fd, file, job);
    } finally {
      fs.closeSync(fd);
    }
  }

  #stageSmall(fd: number, file: FileToStage, job: Extract<Job, { kind: 'stage' }>): StagedFile {
    const size = readAll(fd, this.#buffer.subarray(0, Number(file.stamp.size)));
    if (!isUnchanged(fd, file.stamp) || BigInt(size) !== file.stamp.size) return undefined;
    const bytes = this.#buffer.subarray(0, size);
    const digest = this.#hash.of(bytes);
    if (!file.always && sizeOf(objectIn(job.objects, digest)) === size) return { digest };
    const path = join(job.folder, digest);
    try {
      writeStagedSync(path, bytes);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
    return { digest, path };
  }

  /** Written while it is hashed: reading it twice costs more than a copy in vain. */
  #stageLarge(fd: number, file: FileToStage, job: Extract<Job, { kind: 'stage' }>): StagedFile {
    const staging = join(job.folder, `large-${threadId}-${this.#largeFiles++}`);
    const hasher = this.#hash.start();
    const target = fs.openSync(staging, 'wx', 0o400);
    try {
      let at = 0;
      for (let size = readAll(fd, this.#buffer); size > 0; size = readAll(fd, this.#buffer)) {
        const bytes = this.#buffer.subarray(0, size);
        hasher.update(bytes);
        writeWithHoles(target, bytes, at);
        at += size;
      }
      fs.ftruncateSync(target, at);
      if (!isUnchanged(fd, file.stamp) || BigInt(at) !== file.stamp.size) return discard(staging, undefined);
      const digest = hasher.end();
      if (!file.always && sizeOf(objectIn(job.objects, digest)) === at) return discard(staging, { digest });
      const path = join(job.folder, digest);
      fs.renameSync(staging, path);
      return { digest, path };
    } finally {
      hasher.dispose();
      fs.closeSync(target);
    }
  }

  #check(path: string, digest: Digest): CheckedObject {
    const fd = openIfThere(path);
    if (fd === undefined) return { state: 'absent', sizeBytes: 0 };
    try {
      const first = readAll(fd, this.#buffer);
      const isWhole = first < this.#buffer.length;
      const digestBy = (algorithm: Algorithm): Digest =>
        isWhole ? this.#hash.of(this.#buffer.subarray(0, first), algorithm) : this.#digestOf(fd, algorithm);
      const isRight = algorithmsOf(digest).some((algorithm) => digestBy(algorithm) === digest);
      return { state: isRight ? 'ok' : 'damaged', sizeBytes: isWhole ? first : fs.fstatSync(fd).size };
    } finally {
      fs.closeSync(fd);
    }
  }

  #digestOf(fd: number, algorithm: Algorithm): Digest {
    const hasher = this.#hash.start(algorithm);
    try {
      for (let at = 0, size = 1; size > 0; at += size) {
        size = fs.readSync(fd, this.#buffer, 0, this.#buffer.length, at);
        hasher.update(this.#buffer.subarray(0, size));
      }
      return hasher.end();
    } finally {
      hasher.dispose();
    }
  }
}

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

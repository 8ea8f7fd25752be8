/** Gets the contents of files into a batch, with all cores where there are enough of them. */
import { join } from 'node:path';
import {
  Crew,
  type Digest,
  type FileToStage,
  type Ingest,
  type Objects,
  type StagedFile,
  Worker,
} from '../store/index.ts';

/** Few files cost less than the start of a thread. */
const JOB_FILES = 64;
const JOB_BYTES = 4 * 1024 * 1024;

export interface FileToRead extends FileToStage {
  /** Called once, with its digest; undefined where it was not what its stamp says, or changed while it was read. */
  readonly done: (digest: Digest | undefined) => void;
}

export class Reading implements AsyncDisposable {
  readonly #batch: Ingest;
  readonly #objects: Objects;
  readonly #crew = new Crew();
  readonly #folders: string[] = [];
  readonly #running = new Set<Promise<void>>();
  #next: FileToRead[] = [];
  #nextBytes = 0;
  #jobs = 0;
  #failure: Error | undefined;

  constructor(batch: Ingest, objects: Objects) {
    this.#batch = batch;
    this.#objects = objects;
  }

  /** Waits where it would become too much at once; undefined where it need not. */
  add(file: FileToRead): Promise<void> | undefined {
    this.#next.push(file);
    this.#nextBytes += Number(file.stamp.size);
    return this.#next.length >= JOB_FILES || this.#nextBytes >= JOB_BYTES ? this.#send() : undefined;
  }

  /** Until all files are done that were added so far. */
  async drain(): Promise<void> {
    while (this.#next.length > 0 || this.#running.size > 0) {
      if (this.#next.length === 0) await Promise.race(this.#running);
      else if (this.#jobs === 0 && this.#nextBytes < JOB_BYTES) await this.#runHere(this.#take());
      else await this.#send();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crew[Symbol.asyncDispose]();
    await Promise.all(this.#running);
  }

  async #send(): Promise<void> {
    const files = this.#take();
    while (this.#running.size >= this.#crew.jobsAtOnce) await Promise.race(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
    const work = this.#runByCrew(files).catch((thrown: unknown) => {
      this.#failure ??= thrown as Error;
    });
    this.#running.add(work);
    void work.then(() => this.#running.delete(work));
  }

  async #runByCrew(files: readonly FileToRead[]): Promise<void> {
    // Threads that make files in one folder wait for one another.
    const folder = (this.#folders[this.#jobs++ % this.#crew.jobsAtOnce] ??= this.#batch.makeFolder());
    const { objects } = this.#objects.layout;
    const wanted = files.map(({ path, stamp, always }) => ({ path, stamp, always }));
    this.#finish(files, folder, await this.#crew.run({ kind: 'stage', objects, folder, files: wanted }));
  }

  async #runHere(files: readonly FileToRead[]): Promise<void> {
    const folder = this.#batch.makeFolder();
    const { objects } = this.#objects.layout;
    this.#finish(files, folder, await new Worker(this.#objects.hash).run({ kind: 'stage', objects, folder, files }));
  }

  #take(): readonly FileToRead[] {
    const files = this.#next;
    this.#next = [];
    this.#nextBytes = 0;
    return files;
  }

  #finish(files: readonly FileToRead[], folder: string, results: readonly StagedFile[]): void {
    for (const [index, result] of results.entries()) {
      const file = files[index] as FileToRead;
      if (result === undefined) {
        file.done(undefined);
        continue;
      }
      const sizeBytes = Number(file.stamp.size);
      if (result.isStaged) this.#batch.adopt(result.digest, sizeBytes, join(folder, result.digest));
      else if (!this.#batch.relyOn(result.digest, sizeBytes)) {
        // It was seen, and collected before it was held.
        this.#next.push({ ...file, always: true });
        continue;
      }
      file.done(result.digest);
    }
  }
}

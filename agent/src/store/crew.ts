/**
 * A few threads that hash, stage and check files with all cores. They begin
 * with the first job and end with the crew; each takes some 30 ms to begin
 * and 10 MiB, which a few small files are not worth.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker as Thread, type WorkerOptions } from 'node:worker_threads';
import { asset, isSingleBinary } from '@volt/shared/program';
import { VoltError } from '@volt/shared/errors';
import type { Done, Job } from './work.ts';
import type { Answer } from './worker.ts';

export { type CheckedObject, type FileToStage, type Stamp, type StagedFile, Worker } from './work.ts';

/** More do not help: the disk and the kernel's locks are shared. */
const THREADS_MAX = 8;
/** What each may have waiting, so that none runs dry and no list grows. */
const JOBS_PER_THREAD = 2;

/** What they make is short-lived. Files that one has open when it is ended are closed with it. */
const THREAD: WorkerOptions = { resourceLimits: { maxYoungGenerationSizeMb: 2 }, trackUnmanagedFds: true };

interface Waiting {
  resolve(done: never): void;
  reject(reason: Error): void;
}

export class Crew implements AsyncDisposable {
  readonly #threads: CrewThread[] = [];
  readonly #size: number;

  constructor(size = Math.min(availableParallelism(), THREADS_MAX)) {
    this.#size = size;
  }

  /** How many jobs keep all threads busy. Whoever has more waits for one to end before the next. */
  get jobsAtOnce(): number {
    return this.#size * JOBS_PER_THREAD;
  }

  run<J extends Job>(job: J): Promise<Done<J>> {
    let [idlest] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    if (idlest === undefined || (idlest.waiting > 0 && this.#threads.length < this.#size)) {
      idlest = new CrewThread();
      this.#threads.push(idlest);
    }
    return idlest.run(job);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }
}

class CrewThread {
  readonly #thread = startThread();
  readonly #jobs: Waiting[] = [];

  constructor() {
    this.#thread.on('message', (answer: Answer) => {
      const job = this.#jobs.shift();
      if ('done' in answer) job?.resolve(answer.done as never);
      else job?.reject(Object.assign(new Error(answer.failed.message), { code: answer.failed.code }));
    });
    this.#thread.on('error', (cause) => this.#fail(cause));
    this.#thread.on('exit', () => this.#fail(undefined));
  }

  get waiting(): number {
    return this.#jobs.length;
  }

  run<J extends Job>(job: J): Promise<Done<J>> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origins
      this.#thread.postMessage(job);
    });
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }

  #fail(cause: unknown): void {
    const error = new VoltError('INTERRUPTED', 'A thread of the store ended before its work', { cause });
    for (const job of this.#jobs.splice(0)) job.reject(error);
  }
}

/** In the single binary the threads' program is an asset, as there is no file to start. */
function startThread(): Thread {
  if (!isSingleBinary) return new Thread(join(import.meta.dirname, 'worker.ts'), THREAD);
  const program = asset('store-worker.cjs');
  if (program === undefined) throw new VoltError('DEPENDENCY', 'The threads of the store are not in this program');
  return new Thread(program.toString('latin1'), { ...THREAD, eval: true });
}

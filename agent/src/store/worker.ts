/** The other threads of the store: each does the jobs it is sent, one at a time (crew.ts). */
import { parentPort } from 'node:worker_threads';
import { openHash } from './hash.ts';
import { type Job, Worker } from './work.ts';

/** Errors lose their code on the way between threads. */
export type Answer = { readonly done: unknown } | { readonly failed: { code: string | undefined; message: string } };

// Jobs that come before it is ready wait in the port.
void openHash().then((hash) => {
  const worker = new Worker(hash);
  let before: Promise<unknown> = Promise.resolve();
  parentPort?.on('message', (job: Job) => {
    before = before.then(async () => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origins
      parentPort?.postMessage(await answer(worker, job));
    });
  });
});

async function answer(worker: Worker, job: Job): Promise<Answer> {
  try {
    return { done: await worker.run(job) };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return { failed: { code, message } };
  }
}

/** Waiting for what a machine does in its own time, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';

const EVENTUALLY_MS = 10_000;
const POLL_MS = 50;

/**
 * Calls `check` until it neither throws nor answers false or undefined, and
 * resolves with its answer. Past the deadline it rejects with TIMEOUT and the
 * last thing that was wrong.
 */
export async function eventually<T>(
  check: () => Promise<T> | T,
  options: { timeoutMs?: number; intervalMs?: number; what?: string } = {},
): Promise<Exclude<T, false | undefined>> {
  const timeoutMs = options.timeoutMs ?? EVENTUALLY_MS;
  const deadline = Date.now() + timeoutMs;
  const what = options.what ?? 'what was expected';
  for (;;) {
    let wrong: unknown;
    try {
      const answer = await check();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      wrong = `the last answer was ${String(answer)}`;
    } catch (error) {
      wrong = error;
    }
    if (Date.now() >= deadline) {
      const last = wrong instanceof Error ? wrong.message : String(wrong);
      throw new VoltError('TIMEOUT', `Not within ${timeoutMs} ms: ${what} (${last})`, { cause: wrong });
    }
    await pause(options.intervalMs ?? POLL_MS);
  }
}

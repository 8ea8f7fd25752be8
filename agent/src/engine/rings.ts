/** When to look again: at once, at each ring of a doorbell, and now and then in case one was not heard. */
import type { Clock } from '../host/index.ts';

/** Listening begins in its own time, so a change right before it is seen by looking. */
const LOOK_EVERY_MS = 2000;

/** Ends when the signal fires, or when whoever reads stops reading. */
export async function* rings(
  changes: (signal: AbortSignal) => AsyncIterable<void>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const bell = changes(either)[Symbol.asyncIterator]();
  let rung = bell.next();
  try {
    while (!signal.aborted) {
      yield;
      const awake = new AbortController();
      const slept = clock.sleep(LOOK_EVERY_MS, AbortSignal.any([either, awake.signal]));
      const turn = await Promise.race([rung, slept]);
      awake.abort();
      if (turn?.done === true) return;
      if (turn !== undefined) rung = bell.next();
    }
  } finally {
    over.abort();
    // Nobody hears how the last wait ends.
    rung.catch(() => undefined);
  }
}

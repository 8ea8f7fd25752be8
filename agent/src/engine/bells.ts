/** Two doorbells as one: a source that is waited for, and one that calls. */
import { Doorbell } from '../host/index.ts';

/** Ends when the signal fires or the source does; fails as the source does. */
export async function* eitherRings(
  changes: (signal: AbortSignal) => AsyncIterable<void>,
  listen: (listener: () => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const bell = new Doorbell();
  const silence = listen(() => bell.ring());
  const passedOn = (async () => {
    try {
      for await (const _ of changes(either)) bell.ring();
    } finally {
      over.abort();
    }
  })();
  // Told below, and to nobody where whoever reads has stopped.
  passedOn.catch(() => undefined);
  try {
    yield* bell.wakes(either);
    await passedOn;
  } finally {
    over.abort();
    silence();
  }
}

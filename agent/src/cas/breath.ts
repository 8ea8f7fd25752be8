import { setImmediate } from 'node:timers/promises';

/** How long work may keep everything else in the process waiting. */
const TURN_MS = 4;

/**
 * For work of many small blocking calls: `breathe` gives way to others when
 * this turn of the event loop has lasted long enough, and stops for a caller
 * that gave up.
 */
export class Breath {
  readonly #signal: AbortSignal;
  #startedMs = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get isDue(): boolean {
    return performance.now() - this.#startedMs > TURN_MS;
  }

  /** Call when it is due, or always where that is not often. */
  async breathe(): Promise<void> {
    this.#signal.throwIfAborted();
    if (!this.isDue) return;
    await setImmediate();
    this.#startedMs = performance.now();
    this.#signal.throwIfAborted();
  }
}

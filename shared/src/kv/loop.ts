import type { Clock } from './clock.ts';

/** Rings may come in bursts; this is how long one pass waits for more of them. */
const GATHER_MS = 20;

export interface LoopOptions {
  readonly clock: Clock;
  /** How long at most between passes. */
  readonly everyMs: number;
  /** One pass. Takes no hint of what changed. Must not throw: it tells its own failures. */
  readonly pass: (signal: AbortSignal) => Promise<'again' | 'idle'>;
}

/**
 * Runs passes one after another: on a wake, on a timer, and at once when the
 * last one asks for it. Wakes during a pass lead to one more pass.
 */
export class Loop {
  readonly #options: LoopOptions;
  #isWoken = false;
  #ring: () => void = () => {};

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  readonly wake = (): void => {
    this.#isWoken = true;
    this.#ring();
  };

  /** Resolves after the signal, once the last pass is over. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs, pass } = this.#options;
    while (!signal.aborted) {
      this.#isWoken = false;
      if ((await pass(signal)) === 'again') continue;
      await this.#rest(everyMs, signal);
      if (this.#isWoken) await clock.sleep(GATHER_MS, signal);
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken) return;
    const woken = new AbortController();
    this.#ring = () => woken.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    this.#ring = () => {};
  }
}

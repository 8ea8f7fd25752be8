import type { Clock } from '../clock.ts';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Time that moves only when told, so that minutes of a cluster take milliseconds and repeat exactly. */
export class SimClock implements Clock {
  readonly #timers = new Set<Timer>();
  #ms = 0;

  monotonicMs(): number {
    return this.#ms;
  }

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#ms);
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const fire = () => {
        this.#timers.delete(timer);
        signal.removeEventListener('abort', fire);
        resolve();
      };
      const timer: Timer = { atMs: this.#ms + ms, fire };
      this.#timers.add(timer);
      signal.addEventListener('abort', fire, { once: true });
    });
  }

  /** Lets everything happen that is due within `ms`, in order, each to its end before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#ms + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers].reduce<Timer | undefined>(
        (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
        undefined,
      );
      if (next === undefined || next.atMs > untilMs) break;
      this.#ms = Math.max(this.#ms, next.atMs);
      next.fire();
      await settle();
    }
    this.#ms = untilMs;
  }
}

/** Runs out the microtasks: whatever was not waiting for a timer is done afterwards. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import { uptime } from 'node:os';
import type { Clock } from './clock.ts';

export const systemClock: Clock = {
  // The only clock of Node that runs on in suspend (CLOCK_BOOTTIME), in steps of 10 ms.
  monotonicMs: () => uptime() * 1000,
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
    }),
};

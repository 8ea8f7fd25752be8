/** One lane for each name: what is asked of a name happens in order, what is asked of others beside it. */
import { VoltError } from '@volt/shared/errors';

/** How many operations may run at once. Each may start processes; more would only make all of them slow. */
export const OPERATIONS_MAX = 32;

/** How many may wait for one name. A script that loops too fast is told so. */
export const LANE_WAITING_MAX = 16;

/** How many may wait in all. */
export const WAITING_MAX = 4096;

export class Lanes {
  readonly #lanes = new Map<string, { tail: Promise<void>; length: number }>();
  readonly #room: (() => void)[] = [];
  #running = 0;
  #length = 0;

  /** Runs after all that was asked of the name before. A signal that fires while it waits gives up its place. */
  async run<T>(name: string, signal: AbortSignal, operate: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const lane = this.#lanes.get(name) ?? { tail: Promise.resolve(), length: 0 };
    if (lane.length > LANE_WAITING_MAX || this.#length >= WAITING_MAX) {
      throw new VoltError('RESOURCE', `Too many operations wait for '${name}'`);
    }
    const turn = lane.tail;
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    this.#lanes.set(name, lane);
    lane.length += 1;
    this.#length += 1;
    lane.tail = turn.then(() => done);
    try {
      await unlessAborted(turn, signal);
      await this.#enter();
      try {
        signal.throwIfAborted();
        return await operate();
      } finally {
        this.#leave();
      }
    } finally {
      finish();
      lane.length -= 1;
      this.#length -= 1;
      if (lane.length === 0) this.#lanes.delete(name);
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < OPERATIONS_MAX) {
      this.#running += 1;
      return;
    }
    // Whoever leaves hands over its room, so the count stays.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#room.push(resolve);
    await promise;
  }

  #leave(): void {
    const next = this.#room.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

async function unlessAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([turn, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

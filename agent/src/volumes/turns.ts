/** What is asked of one name happens in order; what is asked of others, beside it. */
import { VoltError } from '@volt/shared/errors';

const WAITING_MAX = 64;

export class Turns {
  readonly #lanes = new Map<string, { tail: Promise<unknown>; length: number }>();

  async take<T>(name: string, act: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(name) ?? { tail: Promise.resolve(), length: 0 };
    if (lane.length >= WAITING_MAX)
      throw new VoltError('RESOURCE', `Too many operations wait for the volume '${name}'`);
    this.#lanes.set(name, lane);
    lane.length += 1;
    const turn = lane.tail.then(act, act);
    lane.tail = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      lane.length -= 1;
      if (lane.length === 0) this.#lanes.delete(name);
    }
  }
}

/**
 * What is being worked on and no name reaches yet, so that garbage collection
 * leaves it alone.
 *
 * A work opens a hold before its first byte, adds every object it stages or
 * relies on, and closes the hold once a name reaches them. To be safe:
 * - who relies on an object adds it first and looks for it then (or both in
 *   one turn of the event loop); what it finds stays
 * - who collects asks `isHeld` and removes in one turn
 *
 * Holds are memory of the one process that writes to the store: after a crash
 * there is no work left that could miss anything.
 */
import type { Digest } from './digest.ts';

export interface Hold extends Disposable {
  /** Keeps this object, whether it is here yet or not, until the hold is disposed. */
  add(digest: Digest): void;
}

export class Holds {
  readonly #open = new Set<ReadonlySet<Digest>>();
  /** Of works that ended while a collection runs, which may have looked at the names before they were set. */
  readonly #left = new Set<ReadonlySet<Digest>>();
  #collections = 0;

  open(): Hold {
    const digests = new Set<Digest>();
    this.#open.add(digests);
    return {
      add: (digest) => void digests.add(digest),
      [Symbol.dispose]: () => {
        if (this.#open.delete(digests) && this.#collections > 0) this.#left.add(digests);
      },
    };
  }

  isHeld(digest: Digest): boolean {
    return contains(this.#open, digest) || contains(this.#left, digest);
  }

  /** Before the first name is looked at. Until it is disposed, what is or becomes held stays held. */
  beginCollection(): Disposable {
    this.#collections++;
    let isRunning = true;
    return {
      [Symbol.dispose]: () => {
        if (!isRunning) return;
        isRunning = false;
        if (--this.#collections === 0) this.#left.clear();
      },
    };
  }
}

function contains(sets: ReadonlySet<ReadonlySet<Digest>>, digest: Digest): boolean {
  for (const set of sets) if (set.has(digest)) return true;
  return false;
}

/**
 * Who in this process is fetching what, so that two fetches of the same object
 * are one transfer. A fetch gets all that it claimed and gives its claims up
 * before it waits for what others claimed, so none waits for itself.
 */
import type { Digest } from './digest.ts';

export interface Claim extends Disposable {
  /** Nobody else fetches these until the claim is disposed. */
  readonly mine: readonly Digest[];
  /** What others are after. */
  readonly others: readonly Digest[];
  /** Resolves when those others ended, with or without it. */
  readonly othersEnded: Promise<unknown>;
}

export class Claims {
  readonly #ends = new Map<Digest, Promise<void>>();

  claim(wanted: Iterable<Digest>): Claim {
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine: Digest[] = [];
    const others = new Map<Digest, Promise<void>>();
    for (const digest of wanted) {
      const end = this.#ends.get(digest);
      if (end === undefined) mine.push(digest);
      else others.set(digest, end);
    }
    for (const digest of mine) this.#ends.set(digest, promise);
    return {
      mine,
      others: [...others.keys()],
      othersEnded: Promise.all(new Set(others.values())),
      [Symbol.dispose]: () => {
        for (const digest of mine) this.#ends.delete(digest);
        resolve();
      },
    };
  }

  /** Whether a fetch is after this object. */
  has(digest: Digest): boolean {
    return this.#ends.has(digest);
  }
}

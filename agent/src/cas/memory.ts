/** What the last check and the last collection found, for `volt cas status`. */
import * as z from 'zod';
import type { Digest, Store } from '../store/index.ts';
import type { Damage } from './damage.ts';
import { readNote, writeNote } from './notes.ts';

/** More is told as this many: who has so many has lost the disk. */
const BAD_MAX = 10_000;

const Verified = z.object({
  at: z.iso.datetime(),
  damaged: z.array(z.string()),
  missing: z.array(z.string()),
});
type Verified = z.output<typeof Verified>;

const Collected = z.object({ at: z.iso.datetime(), freedBytes: z.number() });
type Collected = z.output<typeof Collected>;

export class Memory {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get verified(): Verified | undefined {
    return Verified.safeParse(readNote(this.#store, 'verified')).data;
  }

  /** What the last check found and is still so: damage that was not collected, gaps that were not filled. */
  get bad(): number {
    const { objects } = this.#store;
    const { damaged, missing } = this.verified ?? { damaged: [], missing: [] };
    return damaged.filter((one) => objects.has(one)).length + missing.filter((one) => !objects.has(one)).length;
  }

  setVerified(at: string, damage: readonly Damage[]): void {
    const all = (state: Damage['state']) =>
      damage
        .filter((one) => one.state === state)
        .map(({ digest }) => digest)
        .slice(0, BAD_MAX);
    writeNote(this.#store, 'verified', { at, damaged: all('damaged'), missing: all('missing') });
  }

  /** These are whole again. */
  forget(healed: readonly Digest[]): void {
    const { verified } = this;
    if (verified === undefined || healed.length === 0) return;
    const gone = new Set(healed);
    const without = (digests: readonly Digest[]) => digests.filter((digest) => !gone.has(digest));
    const { damaged, missing } = verified;
    writeNote(this.#store, 'verified', { ...verified, damaged: without(damaged), missing: without(missing) });
  }

  get collected(): Collected | undefined {
    return Collected.safeParse(readNote(this.#store, 'collected')).data;
  }

  setCollected(collected: Collected): void {
    writeNote(this.#store, 'collected', collected);
  }
}

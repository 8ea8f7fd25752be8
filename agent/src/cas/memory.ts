/** What the last check and the last collection found, for `volt cas status`. */
import * as z from 'zod';
import type { Digest, Store } from '../store/index.ts';
import { readNote, writeNote } from './notes.ts';

/** More is told as this many: who has so many has lost the disk. */
const BAD_MAX = 10_000;

const Verified = z.object({ at: z.iso.datetime(), bad: z.array(z.string()) });
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

  setVerified({ at, bad }: Verified): void {
    writeNote(this.#store, 'verified', { at, bad: bad.slice(0, BAD_MAX) });
  }

  /** These are whole again. */
  forget(healed: readonly Digest[]): void {
    const { verified } = this;
    if (verified === undefined || healed.length === 0) return;
    const gone = new Set(healed);
    writeNote(this.#store, 'verified', { ...verified, bad: verified.bad.filter((digest) => !gone.has(digest)) });
  }

  get collected(): Collected | undefined {
    return Collected.safeParse(readNote(this.#store, 'collected')).data;
  }

  setCollected(collected: Collected): void {
    writeNote(this.#store, 'collected', collected);
  }
}

/** How much each name takes, and what it shares with others: `volt cas du` and `volt cas dedup`. */
import { statSync } from 'node:fs';
import { type Digest, linksOf, type Store } from '../store/index.ts';
import { DigestTable } from './digest-table.ts';
import type { Root } from './mark.ts';
import { BLOCK_BYTES } from './weigh.ts';

export interface Usage {
  readonly ref: string;
  /** Objects of its own and shared ones, manifests too. */
  readonly objects: number;
  /** What it would hold laid out, every file counted. */
  readonly sizeBytes: number;
  /** Its objects, each counted once. */
  readonly storedBytes: number;
  /** Of those, what no other name has: what goes when the name does. */
  readonly ownBytes: number;
  readonly sharedBytes: number;
  /** Disk of all its objects. */
  readonly diskBytes: number;
  /** False where a manifest is missing: then it is more than this. */
  readonly isWhole: boolean;
}

export interface TotalUsage {
  readonly sizeBytes: number;
  readonly storedBytes: number;
  readonly savedBytes: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One row for each root, in their order, and what all of them take together. */
export async function usageOf(
  store: Store,
  roots: readonly Root[],
  signal: AbortSignal,
): Promise<{ refs: Usage[]; total: TotalUsage }> {
  const objects = new ObjectColumns(store);
  const refs: Writable<Usage>[] = [];
  for (const [index, root] of roots.entries()) {
    signal.throwIfAborted();
    refs.push(await usageOfOne(store, { root, index }, objects, signal));
  }
  for (const { ref, sizeBytes } of objects.ofOneRef()) (refs[ref] as Writable<Usage>).ownBytes += sizeBytes;
  for (const row of refs) row.sharedBytes = row.storedBytes - row.ownBytes;
  const sizeBytes = refs.reduce((sum, row) => sum + row.sizeBytes, 0);
  return { refs, total: { sizeBytes, storedBytes: objects.totalBytes, savedBytes: sizeBytes - objects.totalBytes } };
}

async function usageOfOne(
  { objects: all }: Store,
  { root, index }: { root: Root; index: number },
  objects: ObjectColumns,
  signal: AbortSignal,
): Promise<Writable<Usage>> {
  const sums = { objects: 0, sizeBytes: 0, storedBytes: 0, diskBytes: 0 };
  const row = { ref: root.name, ...sums, ownBytes: 0, sharedBytes: 0, isWhole: true };
  const count = (digest: Digest): void => {
    const { sizeBytes, diskBytes, isFirst } = objects.see(digest, index);
    row.sizeBytes += sizeBytes;
    if (!isFirst) return;
    row.objects++;
    row.storedBytes += sizeBytes;
    row.diskBytes += diskBytes;
  };
  const waiting = [root.digest];
  const read = new Set<Digest>();
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    signal.throwIfAborted();
    if (read.has(digest)) continue;
    read.add(digest);
    count(digest);
    const object = await all.open(digest);
    if (object === undefined) {
      row.isWhole = false;
      continue;
    }
    for await (const link of linksOf(object.chunks)) {
      if (link.to === 'manifest') waiting.push(link.digest);
      else count(link.digest);
    }
  }
  return row;
}

/** What is known of each object, by its number: some 50 bytes for each. */
class ObjectColumns {
  totalBytes = 0;
  readonly #store: Store;
  readonly #table = new DigestTable();
  #sizeBytes = new Float64Array(1024);
  #diskBytes = new Float64Array(1024);
  /** Number of the name that had it last, and one. */
  #lastRef = new Uint32Array(1024);
  #refs = new Uint32Array(1024);

  constructor(store: Store) {
    this.#store = store;
  }

  /** Counts that a name has this object; says whether the name had it before. */
  see(digest: Digest, ref: number): { sizeBytes: number; diskBytes: number; isFirst: boolean } {
    const known = this.#table.size;
    const number = this.#table.add(digest);
    if (number === known) this.#measure(digest, number);
    const isFirst = this.#lastRef[number] !== ref + 1;
    if (isFirst) {
      this.#lastRef[number] = ref + 1;
      this.#refs[number] = (this.#refs[number] as number) + 1;
    }
    return { sizeBytes: this.#sizeBytes[number] as number, diskBytes: this.#diskBytes[number] as number, isFirst };
  }

  *ofOneRef(): Generator<{ ref: number; sizeBytes: number }> {
    for (let number = 0; number < this.#table.size; number++) {
      if (this.#refs[number] !== 1) continue;
      yield { ref: (this.#lastRef[number] as number) - 1, sizeBytes: this.#sizeBytes[number] as number };
    }
  }

  #measure(digest: Digest, number: number): void {
    if (number === this.#refs.length) this.#grow();
    const stats = statSync(this.#store.objects.pathOf(digest), { throwIfNoEntry: false });
    this.#sizeBytes[number] = stats?.size ?? 0;
    this.#diskBytes[number] = (stats?.blocks ?? 0) * BLOCK_BYTES;
    this.totalBytes += stats?.size ?? 0;
  }

  #grow(): void {
    const length = this.#refs.length * 2;
    const grown = <T extends Float64Array | Uint32Array>(old: T, column: T): T => {
      column.set(old);
      return column;
    };
    this.#sizeBytes = grown(this.#sizeBytes, new Float64Array(length));
    this.#diskBytes = grown(this.#diskBytes, new Float64Array(length));
    this.#lastRef = grown(this.#lastRef, new Uint32Array(length));
    this.#refs = grown(this.#refs, new Uint32Array(length));
  }
}

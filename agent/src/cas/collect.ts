/**
 * Garbage collection: mark what is reached, then remove the rest. Writers go on
 * meanwhile; docs/decisions/0010-the-whole-store.md says why nothing is lost.
 */
import { dirname } from 'node:path';
import type { Digest, Store } from '../store/index.ts';
import { Breath } from './breath.ts';
import type { DigestTable } from './digest-table.ts';
import { InodeCounts } from './inode-counts.ts';
import { clearLeftovers } from './leftovers.ts';
import { mark, rootsOf } from './mark.ts';
import { sweep } from './sweep.ts';
import { weighPath } from './weigh.ts';

export interface Collect {
  readonly store: Store;
  /** Trees that containers run from. */
  readonly treesInUse: () => Promise<readonly Digest[]>;
  /** Removes nothing and reports the same. */
  readonly dryRun: boolean;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined;
}

export interface CollectProgress {
  readonly line: string;
  readonly done?: number;
  readonly total?: number;
}

export interface Collected {
  readonly dryRun: boolean;
  readonly objects: number;
  /** What the removed objects hold. */
  readonly sizeBytes: number;
  /** Of disk, everything together. */
  readonly freedBytes: number;
  readonly lowers: number;
  /** Of works that ended badly. */
  readonly leftovers: number;
  readonly kept: number;
  readonly held: number;
}

/** Throws DEPENDENCY, and removes nothing, where a damaged manifest hides what is in use. */
export async function collect(run: Collect): Promise<Collected> {
  const { store, dryRun, now, signal, onProgress } = run;
  const breath = new Breath(signal);
  using _collection = store.holds.beginCollection();
  onProgress?.({ line: 'Marking' });
  const marked = await mark(store, await rootsOf(store, run.treesInUse), signal);
  const lowers = await removeLowers(run, marked, breath);
  const swept = await sweep({
    ...{ store, marked, dryRun, breath, lowerNames: lowers.names },
    onShard: (done, total) => onProgress?.({ line: 'Sweeping', done, total }),
  });
  const cleared = await clearLeftovers({ store, dryRun, breath, now: now() });
  return {
    dryRun,
    ...swept,
    lowers: lowers.count,
    leftovers: cleared.leftovers,
    freedBytes: swept.freedBytes + lowers.freedBytes + cleared.freedBytes,
  };
}

/** Before the objects: a lower without its objects would be neither whole nor absent. */
async function removeLowers({ store, dryRun }: Collect, marked: DigestTable, breath: Breath) {
  const { lowers, holds } = store;
  const gone = { count: 0, freedBytes: 0, names: new InodeCounts() };
  for (const tree of lowers.list()) {
    await breath.breathe();
    if (marked.has(tree) || holds.isHeld(tree)) continue;
    const folder = dirname(lowers.pathOf(tree));
    // What is removed no longer counts as a name; what would be does.
    const names = dryRun ? gone.names : new InodeCounts();
    const freedBytes = await weighPath(folder, names, breath);
    if (holds.isHeld(tree)) continue;
    // Gone from its place before this waits, so nobody comes in between.
    if (!dryRun) await lowers.remove(tree);
    gone.count++;
    gone.freedBytes += freedBytes;
  }
  return gone;
}

/** The second half of a collection: objects that are neither marked nor held go. */
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, type Store } from '../store/index.ts';
import type { Breath } from './breath.ts';
import type { DigestTable } from './digest-table.ts';
import type { InodeCounts } from './inode-counts.ts';
import { BLOCK_BYTES } from './weigh.ts';

export interface Sweep {
  readonly store: Store;
  readonly marked: DigestTable;
  /** Names that objects had in lowers that are gone, or would be. */
  readonly lowerNames: InodeCounts;
  /** Count only. */
  readonly dryRun: boolean;
  readonly breath: Breath;
  readonly onShard?: ((done: number, total: number) => void) | undefined;
}

export interface Swept {
  readonly objects: number;
  /** Of what they hold. */
  readonly sizeBytes: number;
  /** Of disk. Less than the objects took where lowers that stay have them too. */
  readonly freedBytes: number;
  readonly kept: number;
  /** Garbage but for a work that is under way. */
  readonly held: number;
}

export async function sweep({ store, marked, lowerNames, dryRun, breath, onShard }: Sweep): Promise<Swept> {
  const { layout } = store.objects;
  const swept = { objects: 0, sizeBytes: 0, freedBytes: 0, kept: 0, held: 0 };
  const shards = await readdir(layout.objects);
  for (const [index, shard] of shards.entries()) {
    onShard?.(index, shards.length);
    await breath.breathe();
    const garbage: Garbage[] = [];
    for (const digest of await readdir(join(layout.objects, shard))) {
      if (breath.isDue) await breath.breathe();
      if (!isDigest(digest)) continue;
      if (marked.has(digest)) {
        swept.kept++;
        continue;
      }
      const path = join(layout.objects, shard, digest);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats !== undefined) garbage.push({ digest, path, stats });
    }
    // Names are spread at random, inodes lie on the disk side by side: in their order it takes half of the time.
    garbage.sort((one, other) => one.stats.ino - other.stats.ino);
    for (const { digest, path, stats } of garbage) {
      if (breath.isDue) await breath.breathe();
      // From here to the removal nothing may wait: a writer could come to rely on it in between.
      if (store.holds.isHeld(digest)) {
        swept.held++;
        continue;
      }
      if (!dryRun && !isRemoved(path)) continue;
      swept.objects++;
      swept.sizeBytes += stats.size;
      if (stats.nlink - lowerNames.get(stats.ino) === 1) swept.freedBytes += stats.blocks * BLOCK_BYTES;
    }
  }
  return swept;
}

interface Garbage {
  readonly digest: string;
  readonly path: string;
  readonly stats: Stats;
}

/** False where somebody else did. */
function isRemoved(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
}

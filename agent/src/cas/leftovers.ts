/** What works that ended badly left in staging, beside objects and lowers. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Store } from '../store/index.ts';
import type { Breath } from './breath.ts';
import { InodeCounts } from './inode-counts.ts';
import { weighPath } from './weigh.ts';

/** Downloads from registries that may be gone on with are kept for a day. */
const PARTIAL_MAX_MS = 24 * 60 * 60 * 1000;

export interface Leftovers {
  readonly store: Store;
  readonly now: Date;
  readonly dryRun: boolean;
  readonly breath: Breath;
}

export async function clearLeftovers(clear: Leftovers): Promise<{ leftovers: number; freedBytes: number }> {
  const cleared = { leftovers: 0, freedBytes: 0 };
  for (const path of find(clear)) {
    await clear.breath.breathe();
    cleared.freedBytes += await weighPath(path, new InodeCounts(), clear.breath);
    cleared.leftovers++;
    if (!clear.dryRun) rmSync(path, { recursive: true, force: true });
  }
  return cleared;
}

function find({ store, now }: Leftovers): string[] {
  const { layout } = store.objects;
  const isFetched = (path: string): boolean => store.claims.has(basename(path).replace('object-', ''));
  return [
    ...entries(layout.tmp).filter(isForeign),
    ...entries(layout.images).filter(isForeign),
    ...entries(layout.partial).filter((path) => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      return stats !== undefined && now.getTime() - stats.mtimeMs > PARTIAL_MAX_MS && !isFetched(path);
    }),
  ];
}

/** Staging is named `<what>-<process>-…`, and only this process works on the store. */
function isForeign(path: string): boolean {
  const [, pid] = /\/(?:\.unfinished|[a-z]+)-(\d+)-[^/]*$/.exec(path) ?? [];
  return pid !== undefined && Number(pid) !== process.pid;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    // No download was ever interrupted.
    return [];
  }
}

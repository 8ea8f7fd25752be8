/** Reads every object there is and compares it with its name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest, type Store } from '../store/index.ts';
import { type Damage, traceDamage } from './damage.ts';
import type { Root } from './mark.ts';

export interface Verify {
  readonly store: Store;
  readonly roots: readonly Root[];
  /** How many there are about, for progress. */
  readonly objectsTotal: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

export interface VerifyProgress {
  readonly line: string;
  readonly done: number;
  readonly total: number;
}

export interface Verified {
  readonly objects: number;
  readonly sizeBytes: number;
  readonly damage: readonly Damage[];
}

/** What goes while it is checked is no damage, unless something needs it. */
export async function verify({ store, roots, objectsTotal, signal, onProgress }: Verify): Promise<Verified> {
  const damaged = new Set<Digest>();
  let objects = 0;
  let sizeBytes = 0;
  for (const shard of readdirSync(store.objects.layout.objects)) {
    signal.throwIfAborted();
    const digests = readdirSync(join(store.objects.layout.objects, shard)).filter((name) => isDigest(name));
    const checked = await checkObjects(store, digests, signal);
    for (const digest of checked.damaged) damaged.add(digest);
    objects += checked.objects;
    sizeBytes += checked.sizeBytes;
    onProgress?.({ line: 'Checking', done: objects, total: Math.max(objects, objectsTotal) });
  }
  return { objects, sizeBytes, damage: await traceDamage(store, roots, damaged, signal) };
}

interface Checked {
  readonly objects: number;
  readonly sizeBytes: number;
  readonly damaged: readonly Digest[];
}

async function checkObjects({ objects }: Store, digests: readonly Digest[], signal: AbortSignal): Promise<Checked> {
  const damaged: Digest[] = [];
  let sizeBytes = 0;
  let count = 0;
  for (const digest of digests) {
    signal.throwIfAborted();
    const found = await objects.verify(digest);
    if (found === 'absent') continue;
    count++;
    sizeBytes += objects.sizeOf(digest) ?? 0;
    if (found === 'damaged') damaged.push(digest);
  }
  return { objects: count, sizeBytes, damaged };
}

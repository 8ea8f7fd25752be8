/** Reads every object there is, with all cores, and compares it with its name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckedObject, Crew, type Digest, isDigest, type Store } from '../store/index.ts';
import { type Damage, traceDamage } from './damage.ts';
import type { Roots } from './mark.ts';

export interface Verify {
  readonly store: Store;
  readonly roots: () => Promise<Roots>;
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
  readonly damagedRefs: readonly string[];
}

/** Objects in one job for a thread: enough to be worth the message, few enough to stop soon. */
const BATCH = 128;

/** What goes while it is checked is no damage, unless something needs it. */
export async function verify({ store, roots, objectsTotal, signal, onProgress }: Verify): Promise<Verified> {
  const damaged = new Set<Digest>();
  let objects = 0;
  let sizeBytes = 0;
  await using crew = new Crew();
  const waiting = batches(store);
  const lane = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      signal.throwIfAborted();
      for (const [index, found] of (await checkBatch(store, crew, next.value)).entries()) {
        if (found.state === 'absent') continue;
        objects++;
        sizeBytes += found.sizeBytes;
        if (found.state === 'damaged') damaged.add(next.value[index] as Digest);
      }
      onProgress?.({ line: 'Checking', done: objects, total: Math.max(objects, objectsTotal) });
    }
  };
  await Promise.all(Array.from({ length: crew.jobsAtOnce }, lane));
  const { roots: before } = await roots();
  const traced = await traceDamage(store, before, damaged, signal);
  const after = await roots();
  return { objects, sizeBytes, damage: stillHurt(traced, after), damagedRefs: after.damagedRefs };
}

/** What was deleted and collected meanwhile is missing to nobody. */
function stillHurt(damage: readonly Damage[], { roots }: Roots): Damage[] {
  const names = new Set(roots.map(({ name }) => name));
  return damage
    .map(({ hurts, ...one }) => ({ ...one, hurts: hurts.filter(({ ref }) => names.has(ref)) }))
    .filter(({ state, hurts }) => state === 'damaged' || hurts.length > 0);
}

function* batches({ objects }: Store): Generator<Digest[]> {
  for (const shard of readdirSync(objects.layout.objects)) {
    const digests = readdirSync(join(objects.layout.objects, shard)).filter((name) => isDigest(name));
    for (let at = 0; at < digests.length; at += BATCH) yield digests.slice(at, at + BATCH);
  }
}

/** An object that the disk cannot read is damaged, and the others of its batch need not be. */
async function checkBatch(store: Store, crew: Crew, digests: readonly Digest[]): Promise<CheckedObject[]> {
  const { objects } = store.objects.layout;
  try {
    return [...(await crew.run({ kind: 'check', objects, digests }))];
  } catch (thrown) {
    const isUnreadable = thrown instanceof Error && 'code' in thrown && thrown.code === 'EIO';
    if (!isUnreadable) throw thrown;
    if (digests.length === 1) return [{ state: 'damaged', sizeBytes: 0 }];
    const alone: CheckedObject[] = [];
    for (const digest of digests) alone.push(...(await checkBatch(store, crew, [digest])));
    return alone;
  }
}

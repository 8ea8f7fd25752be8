/**
 * Fetches from peers what is damaged or missing here. What arrives is checked
 * as always, and replaces what was there in one step, so there is never less
 * than before.
 */
import { toVoltError } from '@volt/shared/errors';
import { type Digest, type FetchProgress, fetchObjects, type ObjectSource, type Store } from '../store/index.ts';
import { type Damage, traceDamage } from './damage.ts';
import { healLowers, type OldInode, oldInodeOf } from './heal-lowers.ts';
import type { Root } from './mark.ts';

export interface Repair {
  readonly store: Store;
  readonly roots: readonly Root[];
  readonly damage: readonly Damage[];
  readonly peers: readonly ObjectSource[];
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: { line: string; done: number; total: number }) => void) | undefined;
}

export interface Repaired {
  readonly healed: readonly Digest[];
  /** Files of lowers that had the damage too. */
  readonly lowerFiles: number;
  readonly left: readonly Damage[];
  /** Why something is left. */
  readonly reason: string | null;
}

/** From an index to a manifest, to an image, to a tree, to contents: only a healed one tells what is missing below. */
const ROUNDS_MAX = 5;

export async function repair(run: Repair): Promise<Repaired> {
  const { store, roots, signal } = run;
  const healed = new Set<Digest>();
  let lowerFiles = 0;
  let damage = run.damage;
  let reason: string | null = null;
  for (let round = 0; round < ROUNDS_MAX && damage.length > 0; round++) {
    const wanted = damage.map(({ digest }) => digest);
    const fetched = await replaceObjects(run, wanted);
    reason = fetched.reason;
    lowerFiles += fetched.lowerFiles;
    for (const digest of fetched.healed) healed.add(digest);
    const bad = damage.filter(({ digest, state }) => state === 'damaged' && !healed.has(digest));
    damage = await traceDamage(store, roots, new Set(bad.map(({ digest }) => digest)), signal);
    if (fetched.healed.length === 0) break;
  }
  return { healed: [...healed], lowerFiles, left: damage, reason: damage.length === 0 ? null : reason };
}

interface Replaced {
  readonly healed: readonly Digest[];
  readonly lowerFiles: number;
  readonly reason: string | null;
}

async function replaceObjects(run: Repair, digests: readonly Digest[]): Promise<Replaced> {
  const { store, peers, signal, onProgress } = run;
  const old = new Map<Digest, OldInode>();
  for (const digest of digests) {
    const inode = oldInodeOf(store, digest);
    if (inode !== undefined) old.set(digest, inode);
  }
  let reason: string | null = null;
  const told = ({ objects, objectsTotal }: FetchProgress) =>
    onProgress?.({ line: 'Fetching', done: objects, total: objectsTotal });
  try {
    const wanted = new Map(digests.map((digest) => [digest, 0]));
    await fetchObjects({ store, wanted, peers, replaces: true, signal, onProgress: told });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toVoltError(thrown);
    // What did arrive heals; what did not is reported by the caller, with this.
    if (error.code !== 'NOT_FOUND' && error.code !== 'NETWORK') throw thrown;
    reason = error.message;
  }
  const healed = digests.filter((digest) => isReplaced(store, digest, old.get(digest)));
  const lowerFiles = await healLowers(store, new Map([...old].filter(([digest]) => healed.includes(digest))), signal);
  return { healed, lowerFiles, reason };
}

function isReplaced(store: Store, digest: Digest, old: OldInode | undefined): boolean {
  const now = oldInodeOf(store, digest);
  return now !== undefined && now.inode !== old?.inode;
}

/**
 * The store as a whole, as people work with it: `volt cas`. Each operation is
 * in a file of its own; here they get what they need and remember what they found.
 */
import { statfs } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import type {
  CasCollected,
  CasDamage,
  CasDedup,
  CasRef,
  CasRepaired,
  CasStatus,
  CasUsage,
  CasVerified,
  TreeChange,
  TreeRow,
} from '@volt/shared/model';
import { type Digest, everyRef, type ObjectSource, type Store } from '../store/index.ts';
import { collect } from './collect.ts';
import { readObject, removePin, setPin, writeObject } from './contents.ts';
import { Counter } from './counts.ts';
import type { Damage } from './damage.ts';
import { rootsOf } from './mark.ts';
import { Memory } from './memory.ts';
import { repair } from './repair.ts';
import { resolve } from './resolve.ts';
import { diffTrees, listTree, readTree } from './trees.ts';
import { usageOf } from './usage.ts';
import { verify } from './verify.ts';

export interface CasProgress {
  readonly line: string;
  readonly done?: number;
  readonly total?: number;
}

export interface CasOptions {
  readonly store: Store;
  /** Trees that containers run from, and whatever else of images they need. */
  readonly treesInUse: () => Promise<readonly Digest[]>;
  /** Nodes that may have what is damaged here. */
  readonly peers: () => Promise<readonly ObjectSource[]>;
  readonly now: () => Date;
}

/** How a long operation is followed and ended. */
export interface Follow {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CasProgress) => void) | undefined;
}

/** What a report holds of many: an answer is one line of a megabyte at most. */
const REPORTED_BYTES_MAX = 256 * 1024;

export class Cas {
  readonly #options: CasOptions;
  readonly #counter: Counter;
  readonly #memory: Memory;
  #isCollecting = false;

  constructor(options: CasOptions) {
    this.#options = options;
    this.#counter = new Counter(options.store);
    this.#memory = new Memory(options.store);
  }

  async status(signal: AbortSignal): Promise<CasStatus> {
    const { store } = this.#options;
    const { root } = store.objects.layout;
    const { bsize, blocks, bavail } = await statfs(root);
    const refs = everyRef(store.objects.layout);
    const { verified, collected } = this.#memory;
    return {
      ...(await this.#counter.count(signal)),
      diskFreeBytes: bavail * bsize,
      diskTotalBytes: blocks * bsize,
      refs: refs.filter(({ kind }) => kind !== 'pins').length,
      pins: refs.filter(({ kind }) => kind === 'pins').length,
      lowers: store.lowers.list().length,
      lowerWay: store.lowers.way,
      lowerReason: store.lowers.reason,
      damaged: this.#memory.bad,
      verifiedAt: verified?.at ?? null,
      collectedAt: collected?.at ?? null,
      collectedFreedBytes: collected?.freedBytes ?? null,
    };
  }

  async verify(follow: Follow): Promise<CasVerified> {
    const found = await this.#verify(follow);
    const damaged = found.damage.filter(({ state }) => state === 'damaged').length;
    return {
      objects: found.objects,
      sizeBytes: found.sizeBytes,
      damaged,
      missing: found.damage.length - damaged,
      damage: reported(found.damage),
      damagedRefs: [...found.damagedRefs],
    };
  }

  /** All that is bad, or those of the given that are. */
  async repair(digests: readonly Digest[], follow: Follow): Promise<CasRepaired> {
    const { store, peers } = this.#options;
    const found = digests.length === 0 ? await this.#verify(follow) : await this.#verifyOnly(digests, follow.signal);
    const { roots } = await this.#roots();
    const repaired = await repair({ store, roots, damage: found.damage, peers: await peers(), ...follow });
    this.#memory.forget(repaired.healed);
    return {
      checked: found.objects,
      healed: repaired.healed.length,
      lowerFiles: repaired.lowerFiles,
      damage: reported(repaired.left),
      unhealed: repaired.left.length,
      reason: repaired.reason,
    };
  }

  /** CONFLICT while another runs. */
  async collect(dryRun: boolean, follow: Follow): Promise<CasCollected> {
    const { store, treesInUse, now } = this.#options;
    if (this.#isCollecting) throw new VoltError('CONFLICT', 'The store is being collected already');
    this.#isCollecting = true;
    try {
      const collected = await collect({ store, treesInUse, dryRun, now, ...follow });
      if (!dryRun) this.#memory.setCollected({ at: now().toISOString(), freedBytes: collected.freedBytes });
      return collected;
    } finally {
      this.#isCollecting = false;
    }
  }

  get(text: string): { digest: Digest; contents: AsyncIterable<Uint8Array> } {
    const found = resolve(this.#options.store, text);
    return { digest: found.digest, contents: readObject(this.#options.store, found) };
  }

  put(source: AsyncIterable<Uint8Array>, pin: boolean): Promise<{ digest: Digest; sizeBytes: number }> {
    return writeObject(this.#options.store, source, pin);
  }

  async ls(text: string, path: string, recursive: boolean): Promise<Iterable<TreeRow>> {
    const { store } = this.#options;
    return listTree(await readTree(store, resolve(store, text)), path, recursive);
  }

  async diff(from: string, to: string): Promise<Iterable<TreeChange>> {
    const { store } = this.#options;
    const [old, now] = [resolve(store, from), resolve(store, to)];
    return diffTrees(await readTree(store, old), await readTree(store, now));
  }

  refs(): CasRef[] {
    const { store } = this.#options;
    return everyRef(store.objects.layout).map(({ kind, name, digest }) => ({
      ...{ kind, name, digest: digest ?? null },
      isHere: digest !== undefined && store.objects.has(digest),
    }));
  }

  async pin(text: string): Promise<{ digest: Digest; pinned: boolean }> {
    const { digest } = resolve(this.#options.store, text);
    await setPin(this.#options.store, digest);
    return { digest, pinned: true };
  }

  unpin(text: string): { digest: Digest; pinned: boolean } {
    const { store } = this.#options;
    const pins = everyRef(store.objects.layout).filter(({ kind }) => kind === 'pins');
    // A pin of what has gone missing can be undone as well.
    const digest = pins.find((pin) => pin.digest === text)?.digest ?? resolve(store, text).digest;
    if (removePin(store, digest)) return { digest, pinned: false };
    throw new VoltError('NOT_FOUND', `Object ${digest} is not pinned`, { hint: 'volt cas refs' });
  }

  /** Of the given names, or of all. What a name shares is told by looking at all of them. */
  async du(names: readonly string[], signal: AbortSignal): Promise<CasUsage[]> {
    const { store } = this.#options;
    const wanted = new Set(names.map((name) => resolve(store, name).name));
    const { refs } = await this.#usage(signal);
    return wanted.size === 0 ? refs : refs.filter(({ ref }) => wanted.has(ref));
  }

  async dedup(signal: AbortSignal): Promise<CasDedup> {
    const { refs, total } = await this.#usage(signal);
    return {
      refs: refs.map((row) => ({ ...row, savedBytes: row.sizeBytes - row.ownBytes })),
      ...total,
      ratio: total.storedBytes === 0 ? 1 : Math.round((total.sizeBytes / total.storedBytes) * 100) / 100,
    };
  }

  async #usage(signal: AbortSignal) {
    const { store } = this.#options;
    const { roots } = await rootsOf(store, async () => []);
    return usageOf(store, roots, signal);
  }

  #roots() {
    return rootsOf(this.#options.store, this.#options.treesInUse);
  }

  async #verify(follow: Follow) {
    const { store, now } = this.#options;
    const { objects } = await this.#counter.count(follow.signal);
    const found = await verify({ store, roots: () => this.#roots(), objectsTotal: objects, ...follow });
    this.#memory.setVerified(now().toISOString(), found.damage);
    return found;
  }

  async #verifyOnly(digests: readonly Digest[], signal: AbortSignal): Promise<{ objects: number; damage: Damage[] }> {
    const { objects } = this.#options.store;
    const damage: Damage[] = [];
    for (const digest of digests) {
      signal.throwIfAborted();
      const found = await objects.verify(digest);
      if (found !== 'ok') damage.push({ digest, state: found === 'absent' ? 'missing' : found, hurts: [] });
    }
    return { objects: digests.length, damage };
  }
}

function reported(damage: readonly Damage[]): CasDamage[] {
  let bytes = 0;
  return damage
    .filter((one) => (bytes += JSON.stringify(one).length) <= REPORTED_BYTES_MAX)
    .map(({ digest, state, hurts }) => ({ digest, state, hurts: [...hurts] }));
}

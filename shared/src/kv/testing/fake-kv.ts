/** Kv in memory, for any number of programs at once, with the ways a real one fails. */
import { VoltError } from '../../errors/index.ts';
import { bucketNames, decodeValue, encodeValue, type BucketName, type BucketValue } from '../buckets.ts';
import type { BucketKeeper, Entry, Kv } from '../kv.ts';

interface Stored {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

interface Watcher {
  readonly bucket: BucketName;
  readonly node: string | undefined;
  readonly wake: () => void;
  readonly isReached: () => boolean;
}

/** What all programs of a cluster share. */
export class FakeKvStore {
  readonly #buckets = new Map<BucketName, { sequence: number; readonly keys: Map<string, Stored> }>(
    bucketNames.map((name) => [name, { sequence: 0, keys: new Map() }]),
  );
  readonly watchers = new Set<Watcher>();
  /** No quorum: nobody can read or write. */
  isAway = false;
  /** Told of every write, for tests that check what was ever true. */
  onWrite: (bucket: BucketName, key: string, bytes: Uint8Array | undefined) => void = () => {};

  keys(bucket: BucketName): ReadonlyMap<string, Stored> {
    return this.#buckets.get(bucket)!.keys;
  }

  /** Stores bytes as they are, schema or not; undefined deletes. `expected` 0 means absent. */
  write(bucket: BucketName, key: string, bytes: Uint8Array | undefined, expected?: number): number {
    const state = this.#buckets.get(bucket)!;
    const revision = state.keys.get(key)?.revision ?? 0;
    if (expected !== undefined && expected !== revision) {
      throw new VoltError('CONFLICT', `Writing '${key}' of '${bucket}': somebody changed it first`);
    }
    state.sequence += 1;
    if (bytes === undefined) state.keys.delete(key);
    else state.keys.set(key, { revision: state.sequence, bytes });
    this.onWrite(bucket, key, bytes);
    for (const watcher of this.watchers) {
      const isHeard = watcher.node === undefined || key.startsWith(`${watcher.node}.`);
      if (watcher.bucket === bucket && isHeard && watcher.isReached()) watcher.wake();
    }
    return state.sequence;
  }
}

/** One program's line to the store. */
export class FakeKv implements Kv, BucketKeeper {
  readonly #store: FakeKvStore;
  readonly #held: (() => void)[] = [];
  /** Cut off from the cluster: every call fails with NETWORK. */
  isAway = false;
  /** Reads come from a replica that is behind, and fail. */
  isBehind = false;
  /** Writes happen, and the answer gets lost. */
  losesAnswers = false;
  /** Writes get stuck on the way; see `release`. */
  holdsWrites = false;
  /** How long a call takes on its way there. */
  latency: () => Promise<void> = () => Promise.resolve();
  /** What `prepare` was last told. */
  servers = 0;

  constructor(store: FakeKvStore = new FakeKvStore()) {
    this.#store = store;
  }

  async get<B extends BucketName>(bucket: B, key: string): Promise<Entry<BucketValue<B>> | undefined> {
    await this.#reachToRead();
    const stored = this.#store.keys(bucket).get(key);
    return stored && { key, revision: stored.revision, value: decodeValue(bucket, stored.bytes) };
  }

  async list<B extends BucketName>(bucket: B, node?: string): Promise<Entry<BucketValue<B>>[]> {
    await this.#reachToRead();
    return [...this.#store.keys(bucket)]
      .filter(([key]) => node === undefined || key.startsWith(`${node}.`))
      .map(([key, { revision, bytes }]) => ({ key, revision, value: decodeValue(bucket, bytes) }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  async create<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number> {
    return this.#write(bucket, key, encodeValue(bucket, key, value), 0);
  }

  async update<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>, revision: number): Promise<number> {
    return this.#write(bucket, key, encodeValue(bucket, key, value), revision);
  }

  async put<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number> {
    return this.#write(bucket, key, encodeValue(bucket, key, value));
  }

  async delete(bucket: BucketName, key: string, revision?: number): Promise<void> {
    await this.#write(bucket, key, undefined, revision);
  }

  watch(bucket: BucketName, node: string | undefined, wake: () => void, signal: AbortSignal): void {
    const watcher = { bucket, node, wake, isReached: () => !this.isAway && !this.#store.isAway };
    this.#store.watchers.add(watcher);
    signal.addEventListener('abort', () => this.#store.watchers.delete(watcher), { once: true });
    wake();
  }

  async prepare(servers: number): Promise<void> {
    await this.#reach();
    this.servers = Math.max(this.servers, servers);
  }

  async copies(): Promise<number> {
    await this.#reach();
    return Math.min(3, this.servers);
  }

  async sweep(): Promise<void> {
    await this.#reach();
  }

  /** The writes that were held back arrive, late. */
  release(): void {
    for (const arrive of this.#held.splice(0)) arrive();
  }

  async #write(bucket: BucketName, key: string, bytes: Uint8Array | undefined, expected?: number): Promise<number> {
    await this.#reach();
    if (this.holdsWrites) {
      this.#held.push(() => {
        try {
          this.#store.write(bucket, key, bytes, expected);
        } catch {
          // Refused late, and nobody is listening.
        }
      });
      throw new VoltError('TIMEOUT', `Writing '${key}' of '${bucket}': the cluster did not answer in time`);
    }
    const revision = this.#store.write(bucket, key, bytes, expected);
    if (this.losesAnswers) {
      throw new VoltError('TIMEOUT', `Writing '${key}' of '${bucket}': the cluster did not answer in time`);
    }
    return revision;
  }

  async #reachToRead(): Promise<void> {
    await this.#reach();
    if (this.isBehind) throw new VoltError('CONFLICT', 'The replica is behind');
  }

  async #reach(): Promise<void> {
    await this.latency();
    if (this.isAway || this.#store.isAway) throw new VoltError('NETWORK', 'The cluster cannot be reached');
  }
}

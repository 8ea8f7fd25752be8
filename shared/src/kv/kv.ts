import type { BucketName, BucketValue } from './buckets.ts';

/** One key as stored. */
export interface Entry<T> {
  readonly key: string;
  /** Grows with every write to the bucket. Two reads with one revision read the same. */
  readonly revision: number;
  /** Null when what is stored is not of the bucket's schema. It is there, and nobody can say what it means. */
  readonly value: T | null;
}

/**
 * The cluster's state. One port for controllers and agents, kept by NATS in a
 * cluster and by FakeKv in tests.
 *
 * Reads see every write that was acknowledged before they began, or fail with
 * CONFLICT. A failed write with TIMEOUT or NETWORK may have happened, and may
 * even happen later. Nothing here retries.
 *
 * Codes: CONFLICT (somebody wrote first, or a read came from a replica that is
 * behind), NETWORK and TIMEOUT (the cluster is away), PERMISSION, RESOURCE
 * (value or bucket too large), DEPENDENCY (the bucket does not exist).
 */
export interface Kv {
  /** Undefined when nothing is stored under the key. */
  get<B extends BucketName>(bucket: B, key: string): Promise<Entry<BucketValue<B>> | undefined>;

  /**
   * Every key, in order; with `node` only those that begin with `<node>.`.
   * `known` are revisions the caller has seen: a key that a replica which is
   * behind calls deleted at an earlier one is there, with no value.
   */
  list<B extends BucketName>(
    bucket: B,
    node?: string,
    known?: ReadonlyMap<string, number>,
  ): Promise<Entry<BucketValue<B>>[]>;

  /** Writes a key that nobody has; CONFLICT when it is taken. Answers the revision. */
  create<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number>;

  /** Writes only if the key is still at `revision`; CONFLICT when not. Answers the revision. */
  update<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>, revision: number): Promise<number>;

  /** Writes whatever is there. For keys with one writer. Answers the revision. */
  put<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number>;

  /** Forgets a key; an absent one is fine. With a revision only if the key is still at it, else CONFLICT. */
  delete(bucket: BucketName, key: string, revision?: number): Promise<void>;

  /**
   * A doorbell: calls `wake` after some key changed, with no word of which. It
   * may ring once for many changes, ring for nothing, or miss some: loops also
   * run on a timer. Ends with the signal. Never throws.
   */
  watch(bucket: BucketName, node: string | undefined, wake: () => void, signal: AbortSignal): void;
}

/** Makes the buckets and keeps them in order. Controllers only. */
export interface BucketKeeper {
  /** Creates what is missing and raises the number of copies to what `servers` allow. Again changes nothing. */
  prepare(servers: number): Promise<void>;

  /** On how many servers every bucket is, whole and up to date: one less may be lost. */
  copies(): Promise<number>;

  /** Clears away what deleted keys leave behind. To be called every few minutes, by one controller. */
  sweep(): Promise<void>;
}

/** Who has been asked for what: the only state that the lanes of a fetch share. */
import { VoltError } from '@volt/shared/errors';
import type { Digest } from './digest.ts';
import type { ObjectSource } from './object-source.ts';
import { REQUEST_DIGESTS_MAX } from './transfer.ts';

export interface FetchProgress {
  readonly objects: number;
  readonly objectsTotal: number;
  readonly sizeBytes: number;
  readonly sizeBytesTotal: number;
}

/** One request is about this much, so that several peers and requests share the work evenly. */
const REQUEST_BYTES = 8 * 1024 * 1024;
/** A line may be cut and be good again. Not more: what a peer sends may be bad every time. */
const FAILURES_PER_PEER_MAX = 3;

interface Failures {
  count: number;
  last: VoltError;
}

export class FetchWork {
  readonly #sizes: ReadonlyMap<Digest, number>;
  readonly #pending: Set<Digest>;
  readonly #inFlight = new Set<Digest>();
  /** How much there is of those that have arrived in part. */
  readonly #begun: Map<Digest, number>;
  readonly #lackedBy = new Map<Digest, Set<ObjectSource>>();
  readonly #failures = new Map<ObjectSource, Failures>();
  readonly #onProgress: ((progress: FetchProgress) => void) | undefined;
  readonly #total: { objectsTotal: number; sizeBytesTotal: number };
  #waiters: (() => void)[] = [];
  #done = 0;
  #doneBytes = 0;
  #fatal: VoltError | undefined;

  constructor(
    sizes: ReadonlyMap<Digest, number>,
    begun: Map<Digest, number>,
    onProgress: ((progress: FetchProgress) => void) | undefined,
  ) {
    this.#sizes = sizes;
    // The largest first: the last ones are to be small, so that all lanes end at about the same time.
    this.#pending = new Set([...sizes].toSorted(([, one], [, other]) => other - one).map(([digest]) => digest));
    this.#begun = begun;
    this.#onProgress = onProgress;
    const sizeBytesTotal = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    this.#total = { objectsTotal: sizes.size, sizeBytesTotal };
  }

  /** What to ask this peer for next. What was begun comes alone: only then can a peer go on with it. */
  take(peer: ObjectSource): Digest[] {
    const request: Digest[] = [];
    if (this.#fatal !== undefined || this.#isGivenUp(peer)) return request;
    let bytes = 0;
    for (const digest of this.#pending) {
      if (request.length >= REQUEST_DIGESTS_MAX || bytes >= REQUEST_BYTES) break;
      if (this.#lackedBy.get(digest)?.has(peer)) continue;
      const isBegun = this.begun(digest) > 0;
      if (isBegun && request.length > 0) continue;
      request.push(digest);
      bytes += this.#sizes.get(digest) ?? 0;
      if (isBegun) break;
    }
    for (const digest of request) {
      this.#pending.delete(digest);
      this.#inFlight.add(digest);
    }
    return request;
  }

  /** Whether something that is under way elsewhere could come back for this peer. */
  mayGetMore(peer: ObjectSource): boolean {
    if (this.#fatal !== undefined || this.#isGivenUp(peer)) return false;
    for (const digest of this.#inFlight) if (!this.#lackedBy.get(digest)?.has(peer)) return true;
    return false;
  }

  /** Asked for, and not here. */
  isUnderWay(digest: Digest): boolean {
    return this.#inFlight.has(digest);
  }

  /** How much of it is here. */
  begun(digest: Digest): number {
    return this.#begun.get(digest) ?? 0;
  }

  setBegun(digest: Digest, sizeBytes: number): void {
    if (sizeBytes > 0) this.#begun.set(digest, sizeBytes);
    else this.#begun.delete(digest);
  }

  got(digest: Digest, sizeBytes: number): void {
    this.#inFlight.delete(digest);
    this.#done++;
    this.#doneBytes += sizeBytes;
    this.#onProgress?.({ objects: this.#done, sizeBytes: this.#doneBytes, ...this.#total });
  }

  lacking(peer: ObjectSource, digest: Digest): void {
    const peers = this.#lackedBy.get(digest) ?? new Set();
    this.#lackedBy.set(digest, peers.add(peer));
  }

  /** One that may be good is asked again, a few times. */
  failed(peer: ObjectSource, last: VoltError, mayBeGood: boolean): void {
    const before = this.#failures.get(peer)?.count ?? 0;
    this.#failures.set(peer, { count: mayBeGood ? before + 1 : FAILURES_PER_PEER_MAX, last });
    // A full disk is ours, not the peer's: nobody else could do better.
    if (last.code === 'RESOURCE') this.#fatal ??= last;
  }

  /** Ends a request: what did not arrive is anybody's again. */
  giveBack(asked: readonly Digest[]): void {
    for (const digest of asked) if (this.#inFlight.delete(digest)) this.#pending.add(digest);
    this.wake();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  checkDone(peers: readonly ObjectSource[]): void {
    if (this.#fatal !== undefined) throw this.#fatal;
    const [missing] = this.#pending;
    if (missing === undefined) return;
    const [failure] = this.#failures;
    const count = `${this.#pending.size} of ${this.#sizes.size} objects`;
    if (failure !== undefined) {
      const [peer, { last: cause }] = failure;
      throw new VoltError('NETWORK', `Cannot fetch ${count}: ${peer.name}: ${cause.message}`, { cause });
    }
    const names = peers.map((peer) => peer.name).join(', ');
    throw new VoltError(
      'NOT_FOUND',
      `${count} are on none of the nodes asked (${names || 'none'}), among them ${missing}`,
    );
  }

  #isGivenUp(peer: ObjectSource): boolean {
    return (this.#failures.get(peer)?.count ?? 0) >= FAILURES_PER_PEER_MAX;
  }
}

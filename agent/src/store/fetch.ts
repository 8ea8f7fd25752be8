/**
 * Fetches many objects from several peers at once. Each peer takes the next
 * batch of what is still wanted, so a fast one does more. What a peer does not
 * have, or was sending when it failed, goes back to the others.
 */
import { toVoltError, VoltError } from '@volt/shared/errors';
import type { Digest } from './digest.ts';
import type { Ingest } from './ingest.ts';
import { StallGuard } from './stall-guard.ts';
import { receiveObjects, REQUEST_DIGESTS_MAX } from './transfer.ts';

/** A node that may have objects. The transport behind it is the caller's. */
export interface ObjectSource {
  readonly name: string;
  /** The answer of this peer to one request, as transfer.ts describes it. */
  fetch(digests: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export interface FetchProgress {
  readonly objects: number;
  readonly objectsTotal: number;
  readonly sizeBytes: number;
  readonly sizeBytesTotal: number;
}

export interface Fetch {
  /** What to get. A size is an estimate to balance batches with; 0 where it is not known. */
  readonly wanted: ReadonlyMap<Digest, number>;
  readonly peers: readonly ObjectSource[];
  readonly batch: Ingest;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** A peer that sends nothing for so long is given up. */
  readonly stallMilliseconds?: number | undefined;
}

/** One request is about this much, so that several peers and requests share the work evenly. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** While one answer is stored the next is on its way. */
const REQUESTS_PER_PEER = 2;
const STALL_MILLISECONDS = 30_000;

/** Puts everything wanted into the batch, or throws NOT_FOUND or NETWORK; the batch is not committed. */
export async function fetchObjects(fetch: Fetch): Promise<void> {
  const { wanted, peers, signal } = fetch;
  const work = new Work(wanted, fetch.onProgress);
  const lanes = peers.flatMap((peer) => Array.from({ length: REQUESTS_PER_PEER }, () => runLane(peer, work, fetch)));
  await Promise.all(lanes);
  signal.throwIfAborted();
  work.checkDone(peers);
}

/** One of a peer's lanes: ends when nothing is left that this peer could give. Never rejects. */
async function runLane(peer: ObjectSource, work: Work, fetch: Fetch): Promise<void> {
  while (!fetch.signal.aborted) {
    const asked = work.take(peer);
    if (asked.length === 0) {
      if (!work.mayGetMore(peer)) return;
      await work.changed();
      continue;
    }
    try {
      await requestOnce(peer, asked, { work, fetch });
    } catch (thrown) {
      work.failed(peer, toVoltError(thrown));
    } finally {
      work.giveBack(asked);
    }
  }
  work.wake();
}

async function requestOnce(
  peer: ObjectSource,
  asked: readonly Digest[],
  { work, fetch }: { work: Work; fetch: Fetch },
): Promise<void> {
  const stall = new StallGuard(peer.name, fetch.stallMilliseconds ?? STALL_MILLISECONDS);
  const signal = AbortSignal.any([fetch.signal, stall.signal]);
  try {
    const chunks = await stall.watch(peer.fetch(asked, signal));
    for await (const got of receiveObjects(stall.watchAll(chunks), asked, fetch.batch)) {
      if (got.sizeBytes === undefined) work.lacking(peer, got.digest);
      else work.got(got.digest, got.sizeBytes);
    }
  } finally {
    stall.stop();
  }
}

/** Who has been asked for what. The only state the lanes share. */
class Work {
  readonly #sizes: ReadonlyMap<Digest, number>;
  readonly #pending: Set<Digest>;
  readonly #inFlight = new Set<Digest>();
  readonly #lackedBy = new Map<Digest, Set<ObjectSource>>();
  readonly #failures = new Map<ObjectSource, VoltError>();
  readonly #onProgress: Fetch['onProgress'];
  readonly #total: { objectsTotal: number; sizeBytesTotal: number };
  #waiters: (() => void)[] = [];
  #done = 0;
  #doneBytes = 0;
  #fatal: VoltError | undefined;

  constructor(sizes: ReadonlyMap<Digest, number>, onProgress: Fetch['onProgress']) {
    this.#sizes = sizes;
    this.#pending = new Set(sizes.keys());
    this.#onProgress = onProgress;
    const sizeBytesTotal = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    this.#total = { objectsTotal: sizes.size, sizeBytesTotal };
  }

  take(peer: ObjectSource): Digest[] {
    const batch: Digest[] = [];
    if (this.#fatal !== undefined || this.#failures.has(peer)) return batch;
    let bytes = 0;
    for (const digest of this.#pending) {
      if (batch.length >= REQUEST_DIGESTS_MAX || bytes >= BATCH_BYTES) break;
      if (this.#lackedBy.get(digest)?.has(peer)) continue;
      batch.push(digest);
      bytes += this.#sizes.get(digest) ?? 0;
    }
    for (const digest of batch) {
      this.#pending.delete(digest);
      this.#inFlight.add(digest);
    }
    return batch;
  }

  /** Whether something now under way elsewhere could come back for this peer. */
  mayGetMore(peer: ObjectSource): boolean {
    return this.#fatal === undefined && !this.#failures.has(peer) && this.#inFlight.size > 0;
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

  failed(peer: ObjectSource, error: VoltError): void {
    this.#failures.set(peer, error);
    // A full disk is ours, not the peer's: nobody else could do better.
    if (error.code === 'RESOURCE') this.#fatal ??= error;
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
      const [peer, cause] = failure;
      throw new VoltError('NETWORK', `Cannot fetch ${count}: ${peer.name}: ${cause.message}`, { cause });
    }
    const names = peers.map((peer) => peer.name).join(', ');
    throw new VoltError(
      'NOT_FOUND',
      `${count} are on none of the nodes asked (${names || 'none'}), among them ${missing}`,
    );
  }
}

/**
 * Fetches many objects from several peers at once. Each peer takes the next
 * batch of what is still wanted, so a fast one does more. What a peer does not
 * have, or was sending when it failed, goes back to the others; a large object
 * goes on where it broke off, with whoever has it.
 *
 * What has arrived is published now and then, and large objects are kept on the
 * way, so an agent that dies goes on nearly where it was.
 */
import { toVoltError } from '@volt/shared/errors';
import { forEachBounded } from './bounded.ts';
import type { Digest } from './digest.ts';
import { type FetchProgress, FetchWork } from './fetch-work.ts';
import type { Hold } from './holds.ts';
import type { ObjectSource, RestOfObject } from './object-source.ts';
import { Publisher, type Put } from './publisher.ts';
import { StallGuard } from './stall-guard.ts';
import type { Store } from './store.ts';
import { receiveObjects } from './transfer.ts';

export type { FetchProgress };

export interface Fetch {
  readonly store: Pick<Store, 'objects' | 'incoming' | 'claims'>;
  /** What to get. A size is an estimate to balance batches with; 0 where it is not known. */
  readonly wanted: ReadonlyMap<Digest, number>;
  /** Those that are likely to have it come first. */
  readonly peers: readonly ObjectSource[];
  /** Takes all that arrives; without one it may be collected once it is here. */
  readonly hold?: Hold | undefined;
  /** Writes what is there already once more: it may be damaged. */
  readonly replaces?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** A peer that sends nothing for so long is given up. */
  readonly stallMilliseconds?: number | undefined;
}

/** Further peers are asked as these run out of what they have. */
const PEERS_AT_ONCE = 8;
/** While one answer is stored the next is on its way. */
const REQUESTS_PER_PEER = 2;
const STALL_MILLISECONDS = 30_000;

/**
 * Resolves when everything wanted is published and durable, or throws NOT_FOUND
 * or NETWORK; what did arrive is published all the same. Objects that another
 * fetch is after are left to it.
 */
export async function fetchObjects(fetch: Fetch): Promise<void> {
  const { claims, objects } = fetch.store;
  let wanted = [...fetch.wanted.keys()];
  while (wanted.length > 0) {
    fetch.signal.throwIfAborted();
    let waiting;
    {
      using claim = claims.claim(wanted);
      const sizes = new Map(claim.mine.map((digest) => [digest, fetch.wanted.get(digest) ?? 0]));
      if (sizes.size > 0) await fetchClaimed({ ...fetch, wanted: sizes });
      waiting = claim;
    }
    await unlessAborted(waiting.othersEnded, fetch.signal);
    wanted = waiting.others.filter((digest) => !objects.has(digest));
  }
}

async function fetchClaimed(fetch: Fetch): Promise<void> {
  const { wanted, peers, signal, store, hold, replaces, onProgress } = fetch;
  store.incoming.sweep(Date.now(), (digest) => store.claims.has(digest));
  const work = new FetchWork(wanted, store.incoming.list(), onProgress);
  const publisher = new Publisher(() => store.objects.ingest({ hold, replaces }));
  try {
    await forEachBounded(peers, PEERS_AT_ONCE, async (peer) => {
      const lane: Lane = { peer, work, publisher, fetch };
      await Promise.all(Array.from({ length: REQUESTS_PER_PEER }, () => runLane(lane)));
    });
  } finally {
    await publisher.finish();
  }
  signal.throwIfAborted();
  work.checkDone(peers);
}

interface Lane {
  readonly peer: ObjectSource;
  readonly work: FetchWork;
  readonly publisher: Publisher;
  readonly fetch: Fetch;
}

/** One of a peer's lanes: ends when nothing is left that this peer could give. Never rejects. */
async function runLane(lane: Lane): Promise<void> {
  const { peer, work, fetch } = lane;
  while (!fetch.signal.aborted) {
    const asked = work.take(peer);
    if (asked.length === 0) {
      if (!work.mayGetMore(peer)) return;
      await work.changed();
      continue;
    }
    await requestOnce(lane, asked);
    for (const digest of asked) work.setBegun(digest, fetch.store.incoming.sizeOf(digest));
    work.giveBack(asked);
  }
  work.wake();
}

async function requestOnce(lane: Lane, asked: readonly Digest[]): Promise<void> {
  const { peer, work, publisher, fetch } = lane;
  const stall = new StallGuard(peer.name, fetch.stallMilliseconds ?? STALL_MILLISECONDS);
  const signal = AbortSignal.any([fetch.signal, stall.signal]);
  try {
    const { from, chunks } = await stall.watch(ask(peer, asked, { work, signal }));
    const receiver = { incoming: fetch.store.incoming, into: (put: Put) => publisher.into(put) };
    for await (const got of receiveObjects(stall.watchAll(chunks), { digests: asked, from }, receiver)) {
      if (got.sizeBytes === undefined) work.lacking(peer, got.digest);
      else work.got(got.digest, got.sizeBytes);
    }
  } catch (thrown) {
    work.failed(peer, toVoltError(thrown), !stall.signal.aborted && mayBeGood(lane, asked));
  } finally {
    stall.stop();
  }
}

/** A peer that sent something that we keep, or that went on with what may have been bad from another. */
function mayBeGood({ work, fetch }: Lane, asked: readonly Digest[]): boolean {
  return asked.some(
    (digest) => !work.isUnderWay(digest) || work.begun(digest) > 0 || fetch.store.incoming.sizeOf(digest) > 0,
  );
}

async function ask(
  peer: ObjectSource,
  digests: readonly Digest[],
  { work, signal }: { work: FetchWork; signal: AbortSignal },
): Promise<RestOfObject> {
  const [first] = digests;
  const from = first !== undefined && digests.length === 1 ? work.begun(first) : 0;
  if (first === undefined || from === 0 || peer.fetchRest === undefined) {
    return { from: 0, chunks: await peer.fetch(digests, signal) };
  }
  return peer.fetchRest(first, from, signal);
}

async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/**
 * Whether this node may run exclusive instances. Counted from before each
 * renewal was asked for, by a clock that does not stop in suspend: whatever
 * the controllers count from is later.
 */

/** How often the heartbeat is renewed. */
export const RENEW_MS = 2000;
/** Without a renewal for so long the controllers take the node for lost. Four renewals. */
export const LEASE_SECONDS = 8;
/**
 * Without a renewal for so long it stops its exclusive instances. Longer than
 * NATS takes to elect a leader (4 to 8 s), or each election would stop them.
 */
export const FENCE_SECONDS = 15;
/**
 * A server that was cut off together with this node goes on answering with what
 * it had then, until it has caught up with the others: measured, up to 6 s
 * after the network was back. An election, which may be needed first, takes up
 * to 9 s.
 */
export const SETTLE_MS = 15_000;
/** How long Workloads.stop may take. The controllers wait 5 s beyond FENCE_SECONDS. */
export const FENCE_STOP_MS = 4000;

export class NodeLease {
  #askedAtMs: number | undefined;
  #freshFromMs: number | undefined;

  /** A renewal that was asked for at one moment was acknowledged at another. */
  renewed(askedAtMs: number, acknowledgedAtMs: number): void {
    if (!this.isFresh(acknowledgedAtMs)) this.#freshFromMs = acknowledgedAtMs;
    this.#askedAtMs = askedAtMs;
  }

  isFresh(nowMs: number): boolean {
    return this.#askedAtMs !== undefined && nowMs - this.#askedAtMs < FENCE_SECONDS * 1000;
  }

  /**
   * Whether what was read from the cluster at a moment may be acted on for
   * exclusive instances. What was read before the lease was won, or soon after,
   * may be from before the cluster decided without this node.
   */
  covers(readAtMs: number | undefined, nowMs: number): boolean {
    return this.isFresh(nowMs) && readAtMs !== undefined && readAtMs >= this.#freshFromMs! + SETTLE_MS;
  }
}

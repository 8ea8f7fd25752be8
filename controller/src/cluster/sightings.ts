/**
 * How long each node has not been heard of, by this controller's own clock.
 * What a heartbeat says of the time is never looked at.
 */
import type { Entry } from '@volt/shared/kv';
import type { NodeHeartbeat, NodeRecord, NodeState } from '@volt/shared/model';

/** Added to a node's own deadline for stopping its exclusive instances: what its stopping may take. */
export const FENCE_MARGIN_MS = 5000;
/** With no heartbeat of any node for so long, it is the cluster that does not write, and no node's fault. */
const STALL_MS = 5000;
/** After a stall, how long nodes have to be heard again: two renewals. */
const RECOVERY_MS = 4000;

export class Sightings {
  readonly #lastChange = new Map<string, { readonly revision: number; readonly atMs: number }>();
  #lastAnyMs: number | undefined;
  #steadySinceMs = 0;

  /** To be called on every pass, by followers too: a new leader then need not begin to count. */
  observe(heartbeats: readonly Entry<NodeHeartbeat>[], nowMs: number): void {
    for (const { key, revision } of heartbeats) {
      if (this.#lastChange.get(key)?.revision === revision) continue;
      this.#lastChange.set(key, { revision, atMs: nowMs });
      if (this.#lastAnyMs === undefined || nowMs - this.#lastAnyMs > STALL_MS) this.#steadySinceMs = nowMs;
      this.#lastAnyMs = nowMs;
    }
  }

  state(record: NodeRecord, nowMs: number): NodeState {
    const ageMs = nowMs - this.#seenAtMs(record.name, nowMs);
    const isSteady = nowMs - this.#steadySinceMs >= RECOVERY_MS && nowMs - (this.#lastAnyMs ?? 0) <= STALL_MS;
    return ageMs >= record.leaseSeconds * 1000 && isSteady ? 'lost' : 'ready';
  }

  /** When its own lease has certainly run out and it had time to act on that. */
  fencedAtMs(record: NodeRecord, nowMs: number): number {
    return this.#seenAtMs(record.name, nowMs) + record.fenceSeconds * 1000 + FENCE_MARGIN_MS;
  }

  /** A node that was never heard of counts from this moment: it may have been heard just before this program began. */
  #seenAtMs(node: string, nowMs: number): number {
    const seen = this.#lastChange.get(node);
    if (seen !== undefined) return seen.atMs;
    this.#lastChange.set(node, { revision: 0, atMs: nowMs });
    return nowMs;
  }
}

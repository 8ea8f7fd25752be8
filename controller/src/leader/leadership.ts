/**
 * Which controller decides. A lease in KV, renewed by its holder.
 *
 *   follower ── unchanged for LEASE_MS ──► leader ── not renewed for DECIDE_MS ──► (may not decide)
 *       ▲                                    │                                          │
 *       └──────── somebody else holds it ────┴──────────────── renewed ◄────────────────┘
 *
 * Only one clock at a time is believed: the holder counts from before it asked
 * for a renewal, the others from when they first saw it. The holder stops first.
 */
import { VoltError } from '@volt/shared/errors';
import { CONTROLLER_LEASE, type Clock, type Entry, type Kv } from '@volt/shared/kv';
import type { LeaderLease } from '@volt/shared/model';

/** How long the lease must be unchanged before another controller takes it. */
export const LEASE_MS = 8000;
export const RENEW_MS = 2000;
/** How long after a renewal its holder decides. The rest is for writes under way, which take 1 s at most. */
export const DECIDE_MS = LEASE_MS - 2000;

export interface LeadershipPorts {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly node: string;
  /** Different in every run of the program, so that a restarted controller does not take itself for its predecessor. */
  readonly session: string;
}

export class Leadership {
  readonly #ports: LeadershipPorts;
  /** What is held, and since when (before the request that got it). */
  #held: { readonly token: number; readonly revision: number; readonly sinceMs: number } | undefined;
  #seen: { readonly revision: number; readonly atMs: number } | undefined;
  #needsToken = false;
  #highestToken = 0;

  constructor(ports: LeadershipPorts) {
    this.#ports = ports;
  }

  /** The fencing token for a decision made at this moment; undefined when it is not this controller's to decide. */
  token(): number | undefined {
    if (this.#held === undefined || this.#needsToken) return undefined;
    const heldMs = this.#ports.clock.monotonicMs() - this.#held.sinceMs;
    return heldMs < DECIDE_MS ? this.#held.token : undefined;
  }

  /**
   * Take a higher token before deciding again. For after a write with an unknown
   * outcome: if it arrives late, it carries a token that agents refuse.
   */
  doubt(): void {
    this.#needsToken = true;
  }

  /** Looks at the lease, and renews or takes it when due. To be called every second or so. */
  async tend(): Promise<void> {
    const { kv, clock } = this.#ports;
    const sinceMs = clock.monotonicMs();
    if (this.#held !== undefined && !this.#needsToken && sinceMs - this.#held.sinceMs < RENEW_MS) return;
    const entry = await kv.get('leases', CONTROLLER_LEASE);
    this.#highestToken = Math.max(this.#highestToken, entry?.value?.token ?? 0);
    const isMine = entry?.value?.session === this.#ports.session;
    if (!isMine) this.#held = undefined;
    if (isMine && entry.value !== null) {
      const token = this.#needsToken ? this.#nextToken() : entry.value.token;
      await this.#write(entry, token);
    } else if (this.#isFree(entry)) {
      await this.#write(entry, this.#nextToken());
    }
  }

  /** Gives the lease back, so that another controller need not wait for its end. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    await this.#ports.kv.update(
      'leases',
      CONTROLLER_LEASE,
      { ...this.#lease(held.token), holder: null },
      held.revision,
    );
  }

  async #write(entry: Entry<LeaderLease> | undefined, token: number): Promise<void> {
    const { kv, clock } = this.#ports;
    const sinceMs = clock.monotonicMs();
    const lease = this.#lease(token);
    try {
      const revision = await (entry === undefined
        ? kv.create('leases', CONTROLLER_LEASE, lease)
        : kv.update('leases', CONTROLLER_LEASE, lease, entry.revision));
      this.#held = { token, revision, sinceMs };
      this.#needsToken = false;
    } catch (thrown) {
      // Somebody else was first; the next look tells who.
      if (!(thrown instanceof VoltError && thrown.code === 'CONFLICT')) throw thrown;
    }
  }

  #isFree(entry: Entry<LeaderLease> | undefined): boolean {
    if (entry === undefined || entry.value?.holder === null) return true;
    const nowMs = this.#ports.clock.monotonicMs();
    if (this.#seen?.revision !== entry.revision) this.#seen = { revision: entry.revision, atMs: nowMs };
    return nowMs - this.#seen.atMs >= LEASE_MS;
  }

  /**
   * Higher than the last. The seconds since 1970 are a floor, so that tokens
   * grow even when the cluster lost its memory of them; agents have not.
   */
  #nextToken(): number {
    const floor = Math.floor(this.#ports.clock.now().getTime() / 1000);
    return Math.max(this.#highestToken + 1, floor);
  }

  #lease(token: number): LeaderLease {
    const { node, session, clock } = this.#ports;
    return { holder: node, session, token, renewedAt: clock.now().toISOString() };
  }
}

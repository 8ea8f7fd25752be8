/** Keeps this node's lease and record in the cluster. */
import { toVoltError } from '@volt/shared/errors';
import type { NodeRecord } from '@volt/shared/model';
import { FENCE_SECONDS, LEASE_SECONDS, RENEW_MS, type NodeLease } from './node-lease.ts';
import type { ClusterNodePorts } from './ports.ts';

/** After a failed renewal. Short: a call fails after 1 s, and the lease is a few renewals long. */
const RETRY_MS = 500;
/** The record is written again after so long even if nothing changed, in case the cluster lost it. */
const RECORD_EVERY_MS = 60_000;

export class Heartbeat {
  readonly #ports: ClusterNodePorts;
  readonly #lease: NodeLease;
  #told: { readonly text: string; readonly atMs: number } | undefined;
  #isLost = false;

  constructor(ports: ClusterNodePorts, lease: NodeLease) {
    this.#ports = ports;
    this.#lease = lease;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const isRenewed = await this.#beat();
      await clock.sleep(isRenewed ? RENEW_MS : RETRY_MS, signal);
    }
  }

  async #beat(): Promise<boolean> {
    const { clock, log } = this.#ports;
    try {
      await this.#renew();
      await this.#tellRecord();
      if (this.#isLost) log.info('The cluster is back', {});
      this.#isLost = false;
      return true;
    } catch (thrown) {
      const { code, message } = toVoltError(thrown);
      const isFresh = this.#lease.isFresh(clock.monotonicMs());
      if (!this.#isLost) log.warn('The cluster is away; what runs goes on running', { code, message, isFresh });
      this.#isLost = true;
      return false;
    }
  }

  async #renew(): Promise<void> {
    const { kv, node, clock, bootId, log } = this.#ports;
    const askedAtMs = clock.monotonicMs();
    await kv.put('heartbeats', node, { node, bootId, renewedAt: clock.now().toISOString() });
    this.#lease.renewed(askedAtMs, clock.monotonicMs());
    await this.#ports.deadMan.renewed(askedAtMs).catch((thrown) => {
      // It ends what is exclusive in vain then, which is the lesser evil.
      const { code, message } = toVoltError(thrown);
      log.warn('The switch that ends exclusive instances could not be set', { code, message });
    });
  }

  async #tellRecord(): Promise<void> {
    const { kv, node, clock, facts } = this.#ports;
    const record: NodeRecord = { ...(await facts()), leaseSeconds: LEASE_SECONDS, fenceSeconds: FENCE_SECONDS };
    const text = JSON.stringify(record);
    const nowMs = clock.monotonicMs();
    if (this.#told?.text === text && nowMs - this.#told.atMs < RECORD_EVERY_MS) return;
    await kv.put('nodes', node, record);
    this.#told = { text, atMs: nowMs };
  }
}

/**
 * This node's line to the cluster: assignments in, status out.
 *
 *   doorbell or timer ─► read own keys ─► ledger on disk ─► plan ─► operations ─► status
 *
 * Without a cluster the same passes go on from the ledger. Only exclusive
 * instances depend on the lease; they are watched by a loop of their own, which
 * waits for nothing.
 */
import { toVoltError, type ErrorCode } from '@volt/shared/errors';
import { CONTROLLER_LEASE, instanceKey, Loop } from '@volt/shared/kv';
import { Heartbeat } from './heartbeat.ts';
import { mergeLedger, parseLedger, type Ledger } from './ledger.ts';
import { NodeLease } from './node-lease.ts';
import { Operations } from './operations.ts';
import { attemptKey, isActive, planAssignments, type NodeStep } from './plan-assignments.ts';
import type { ClusterNodePorts } from './ports.ts';
import { StatusWriter } from './status-writer.ts';
import { statusesOf } from './statuses.ts';

const PASS_EVERY_MS = 2000;
const FENCE_EVERY_MS = 500;

/**
 * Runs until the signal. Rejects only when the ledger is damaged. Containers
 * are left as they are at the end.
 */
export async function runClusterNode(ports: ClusterNodePorts, signal: AbortSignal): Promise<void> {
  const ledger = parseLedger(await ports.ledgerFile.read());
  await new ClusterNode(ports, ledger).run(signal);
}

const isAway = (code: ErrorCode): boolean => code === 'NETWORK' || code === 'TIMEOUT';

class ClusterNode {
  readonly #ports: ClusterNodePorts;
  readonly #lease = new NodeLease();
  readonly #loop: Loop;
  readonly #operations: Operations;
  readonly #statuses: StatusWriter;
  #ledger: Ledger;
  /** When the last successful look at the cluster began. */
  #readAtMs: number | undefined;
  #refused = '';

  constructor(ports: ClusterNodePorts, ledger: Ledger) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#loop = new Loop({ clock: ports.clock, everyMs: PASS_EVERY_MS, pass: () => this.#pass() });
    this.#operations = new Operations({ ...ports, wake: this.#loop.wake });
    this.#statuses = new StatusWriter(ports.kv, ports.clock, ports.node);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#ports.kv.watch('assignments', this.#ports.node, this.#loop.wake, signal);
    const heartbeat = new Heartbeat(this.#ports, this.#lease);
    await Promise.all([heartbeat.run(signal), this.#loop.run(signal), this.#guard(signal)]);
    await this.#operations.end();
  }

  async #pass(): Promise<'idle'> {
    const { log } = this.#ports;
    await this.#readCluster().catch((thrown) => {
      // Not an event: the ledger stands. Heartbeat tells once.
      const { code, message } = toVoltError(thrown);
      if (!isAway(code)) log.warn('The assignments were not read', { code, message });
    });
    await this.#act().catch((thrown) => {
      const { code, message, cause } = toVoltError(thrown);
      log.warn('A pass failed; the next one begins anew', { code, message, cause });
    });
    return 'idle';
  }

  async #readCluster(): Promise<void> {
    const { kv, clock, node, ledgerFile } = this.#ports;
    const beganAtMs = clock.monotonicMs();
    const known = new Map(
      this.#ledger.entries.map((entry) => [instanceKey(node, entry.assignment.instance), entry.revision]),
    );
    const assignments = await kv.list('assignments', node, known);
    // After the assignments, see mergeLedger.
    const lease = await kv.get('leases', CONTROLLER_LEASE);
    const { ledger, refused } = mergeLedger(this.#ledger, node, assignments, lease?.value?.token ?? 0);
    this.#tellRefused(refused);
    // On disk before anything acts on it, so that a crash in between loses nothing.
    if (JSON.stringify(ledger) !== JSON.stringify(this.#ledger)) await ledgerFile.write(JSON.stringify(ledger));
    this.#ledger = ledger;
    this.#readAtMs = beganAtMs;
  }

  async #act(): Promise<void> {
    const { workloads, clock, node, log } = this.#ports;
    // Before the look: what ends during it may be seen or not, and is left to the next pass.
    const busy = this.#operations.busy();
    const observed = await workloads.list();
    const assigned = this.#ledger.entries.map(({ assignment }) => assignment);
    this.#operations.look(assigned, observed);
    const wanted = new Set(assigned.filter((one) => one.wanted === 'running').map(attemptKey));
    this.#operations.interrupt((assignment) => !wanted.has(attemptKey(assignment)));
    const nowMs = clock.monotonicMs();
    const lease = { isFresh: this.#lease.isFresh(nowMs), mayStart: this.#lease.covers(this.#readAtMs, nowMs) };
    const view = { ledger: this.#ledger, observed, lease, attempts: this.#operations.attempts };
    const steps = planAssignments(view, nowMs);
    this.#operations.begin(steps, busy);
    const statuses = statusesOf(node, this.#ledger, { observed, busy, reasons: this.#reasons(steps) });
    const present = new Set([...busy, ...observed.map(({ instance }) => instance)]);
    await this.#statuses.tell(statuses, present).catch((thrown) => {
      const { code, message } = toVoltError(thrown);
      if (!isAway(code)) log.warn('The status was not written', { code, message });
    });
  }

  /** Stops exclusive instances when the lease has run out. Apart from the passes, which may wait for the cluster. */
  async #guard(signal: AbortSignal): Promise<void> {
    const { clock, workloads, log } = this.#ports;
    while (!signal.aborted) {
      if (!this.#lease.isFresh(clock.monotonicMs())) {
        this.#operations.interrupt(({ exclusive }) => exclusive);
        await this.#fence(workloads).catch((thrown) => {
          const { code, message } = toVoltError(thrown);
          log.warn('Exclusive instances were not stopped; trying again', { code, message });
        });
      }
      await clock.sleep(FENCE_EVERY_MS, signal);
    }
  }

  async #fence(workloads: ClusterNodePorts['workloads']): Promise<void> {
    const running = (await workloads.list()).filter((instance) => instance.exclusive && isActive(instance));
    const { signal } = new AbortController();
    await Promise.all(
      running.map(async ({ instance }) => {
        this.#ports.log.warn('The lease ran out; stopping an exclusive instance', { instance });
        await workloads.stop(instance, signal);
      }),
    );
  }

  #reasons(steps: readonly NodeStep[]): Map<string, string> {
    const reasons = new Map<string, string>();
    for (const step of steps) if (step.kind === 'hold') reasons.set(step.instance, step.because);
    for (const [instance, failure] of this.#operations.failures) {
      const hold = reasons.get(instance);
      reasons.set(instance, hold === undefined ? failure : `${failure} (${hold})`);
    }
    return reasons;
  }

  /** Once for each change of what is refused, not on every pass. */
  #tellRefused(refused: ReadonlyMap<string, string>): void {
    const text = JSON.stringify([...refused]);
    if (text !== this.#refused && refused.size > 0) {
      this.#ports.log.warn('Orders were refused; what was known before stands', Object.fromEntries(refused));
    }
    this.#refused = text;
  }
}

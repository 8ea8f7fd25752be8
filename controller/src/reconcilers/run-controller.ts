import { toVoltError } from '@volt/shared/errors';
import { Loop, type BucketName } from '@volt/shared/kv';
import { readable } from '../cluster/index.ts';
import { Leadership } from '../leader/index.ts';
import type { ControllerPorts } from './ports.ts';
import { reconcile } from './reconcile.ts';

const LEASE_EVERY_MS = 1000;
const PASS_EVERY_MS = 1500;
/** Soon enough that what could not be done while servers come and go is done before one of them is lost. */
const BUCKETS_EVERY_MS = 5000;
/** What deleted keys leave is small. */
const SWEEP_EVERY_MS = 5 * 60_000;

/** Buckets whose changes mean work for the leader. Heartbeats are left to the timer. */
const WATCHED: readonly BucketName[] = ['workloads', 'assignments', 'status', 'nodes'];

/**
 * Runs a controller until the signal: it takes part in the election, decides
 * while it leads, and keeps the buckets in order. Never throws, and needs no
 * cluster to begin with.
 */
export async function runController(ports: ControllerPorts, signal: AbortSignal): Promise<void> {
  const { kv } = ports;
  const leadership = new Leadership(ports);
  const passes = loopOf(ports, 'reconcile', PASS_EVERY_MS, () => reconcile({ ...ports, leadership }, signal));
  const keeper = new Keeper(ports, leadership);
  const upkeep = loopOf(ports, 'keep buckets', BUCKETS_EVERY_MS, () => keeper.pass());
  let told: number | undefined;
  const tell = () => {
    const token = leadership.token();
    if (token !== told) ports.log.info(token === undefined ? 'No longer leading' : 'Leading', { token });
    if (token !== undefined && told === undefined) {
      passes.wake();
      upkeep.wake();
    }
    told = token;
  };
  const election = loopOf(ports, 'elect', LEASE_EVERY_MS, async () => {
    // Most leaders end with looks that fail.
    await leadership.tend().finally(tell);
    return 'idle';
  });
  for (const bucket of WATCHED) kv.watch(bucket, undefined, passes.wake, signal);
  // A new controller's record means one more server to keep copies on.
  kv.watch('nodes', undefined, upkeep.wake, signal);
  // Without the buckets nothing else works, so they are made as soon as there is a cluster.
  await makeBuckets(ports, signal);
  await Promise.all([election.run(signal), passes.run(signal), upkeep.run(signal)]);
  await leadership.release().catch((thrown) => {
    ports.log.warn('The lease was not given back; it runs out', { code: toVoltError(thrown).code });
  });
}

async function makeBuckets({ buckets, clock, log }: ControllerPorts, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      return await buckets.prepare(1);
    } catch (thrown) {
      // Once, not each second: a cluster that is away may be away for hours.
      if (failures === 0) log.warn('The cluster is not there; trying again', { code: toVoltError(thrown).code });
      await clock.sleep(1000, signal);
    }
  }
}

/** Keeps the buckets in order. The leader's task, so that only one does it. */
class Keeper {
  readonly #ports: ControllerPorts;
  readonly #leadership: Leadership;
  #sweptAtMs: number;
  #isGrown = false;

  constructor(ports: ControllerPorts, leadership: Leadership) {
    this.#ports = ports;
    this.#leadership = leadership;
    this.#sweptAtMs = ports.clock.monotonicMs();
  }

  async pass(): Promise<'idle'> {
    const { kv, buckets, clock } = this.#ports;
    if (this.#leadership.token() === undefined) return 'idle';
    const nodes = readable(await kv.list('nodes'));
    // More servers, more copies.
    const servers = nodes.filter(({ roles }) => roles.includes('controller')).length;
    await buckets.prepare((await this.#mayGrow(servers)) ? servers : 1);
    if (clock.monotonicMs() - this.#sweptAtMs < SWEEP_EVERY_MS) return 'idle';
    await buckets.sweep();
    this.#sweptAtMs = clock.monotonicMs();
    return 'idle';
  }

  /** A cluster that has grown once stays so: its witness does not come back. */
  async #mayGrow(servers: number): Promise<boolean> {
    this.#isGrown ||= servers > 1 && (await this.#ports.isGrown());
    return this.#isGrown;
  }
}

function loopOf(ports: ControllerPorts, name: string, everyMs: number, work: () => Promise<'again' | 'idle'>): Loop {
  return new Loop({
    clock: ports.clock,
    everyMs,
    pass: async () => {
      try {
        return await work();
      } catch (thrown) {
        const { code, message, cause } = toVoltError(thrown);
        ports.log.warn('A pass failed; the next one begins anew', { loop: name, code, message, cause });
        return 'idle';
      }
    },
  });
}

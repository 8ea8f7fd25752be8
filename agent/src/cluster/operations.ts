/** What is being done to instances at this moment: one thing at a time each, a few side by side. */
import { toVoltError } from '@volt/shared/errors';
import { afterLook, afterTry, type Attempts } from './attempts.ts';
import { attemptKey, isActive, type NodeStep } from './plan-assignments.ts';
import type { ClusterLog, Images, Observed, Workloads } from './ports.ts';
import type { Clock } from '@volt/shared/kv';
import type { Assignment } from '@volt/shared/model';

/** Starting is mostly waiting for systemd, and a node has to serve meanwhile. */
export const OPERATIONS_AT_ONCE_MAX = 8;
/** Fetching an image may take long; starting may not. */
const OPERATION_MS_MAX = 15 * 60_000;

export interface OperationPorts {
  readonly workloads: Workloads;
  readonly images: Images;
  readonly clock: Clock;
  readonly log: ClusterLog;
  /** Called after each operation, for the loop to look again. */
  readonly wake: () => void;
}

interface Running {
  readonly done: Promise<void>;
  /** What it would bring up. */
  readonly starts: Assignment | undefined;
  readonly stop: AbortController;
}

export class Operations {
  readonly #ports: OperationPorts;
  readonly #running = new Map<string, Running>();
  readonly #attempts = new Map<string, Attempts>();
  readonly #failures = new Map<string, string>();

  constructor(ports: OperationPorts) {
    this.#ports = ports;
  }

  get attempts(): ReadonlyMap<string, Attempts> {
    return this.#attempts;
  }

  /** Why the last thing done to an instance failed, by instance. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failures;
  }

  /** The instances to which something is being done. */
  busy(): ReadonlySet<string> {
    return new Set(this.#running.keys());
  }

  /** Begins what there is room for; the rest is for the next pass. `busy`: whose end the plan did not see. */
  begin(steps: readonly NodeStep[], busy: ReadonlySet<string>): void {
    for (const step of steps) {
      if (step.kind === 'hold') continue;
      const instance = instanceOf(step);
      const isBusy = busy.has(instance) || this.#running.has(instance);
      if (isBusy || this.#running.size >= OPERATIONS_AT_ONCE_MAX) continue;
      const stop = new AbortController();
      const starts = step.kind === 'ensure' ? step.assignment : undefined;
      this.#running.set(instance, { done: this.#run(step, instance, stop.signal), starts, stop });
    }
  }

  /** Interrupts what would bring up an instance that is not to run. */
  interrupt(isUnwanted: (assignment: Assignment) => boolean): void {
    for (const { starts, stop } of this.#running.values()) {
      if (starts !== undefined && isUnwanted(starts)) stop.abort();
    }
  }

  /** What is up for a while is well again; what is no longer assigned is forgotten. */
  look(assigned: readonly Assignment[], observed: readonly Observed[]): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const keys = new Map(assigned.map((assignment) => [attemptKey(assignment), assignment.instance]));
    const active = new Set(observed.filter(isActive).map(({ instance }) => instance));
    for (const [key, before] of this.#attempts) {
      const instance = keys.get(key);
      const after = instance === undefined ? undefined : afterLook(before, active.has(instance), nowMs);
      if (after === undefined) this.#attempts.delete(key);
      else this.#attempts.set(key, after);
    }
    const instances = new Set(keys.values());
    for (const instance of this.#failures.keys()) if (!instances.has(instance)) this.#failures.delete(instance);
  }

  /** Interrupts everything and resolves once it is over. */
  async end(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ done }) => done));
  }

  async #run(step: NodeStep, instance: string, stop: AbortSignal): Promise<void> {
    const { clock, log, wake } = this.#ports;
    const over = new AbortController();
    void clock.sleep(OPERATION_MS_MAX, over.signal).then(() => over.abort());
    try {
      await this.#apply(step, AbortSignal.any([stop, over.signal]));
      this.#failures.delete(instance);
      this.#noteTry(step);
      log.info('Done', { step: step.kind, instance, because: step.because });
    } catch (thrown) {
      const { code, message, cause } = toVoltError(thrown);
      // One broken instance must not hold back its neighbours, so this goes no further.
      if (!stop.aborted) {
        this.#failures.set(instance, message);
        this.#noteTry(step);
      }
      log.warn('Not done; tried again later', { step: step.kind, instance, code, message, cause });
    } finally {
      over.abort();
      this.#running.delete(instance);
      wake();
    }
  }

  /** A start that worked is a try too: what does not stay up waits longer each time. */
  #noteTry(step: NodeStep): void {
    if (step.kind !== 'ensure') return;
    const key = attemptKey(step.assignment);
    this.#attempts.set(key, afterTry(this.#attempts.get(key), this.#ports.clock.monotonicMs()));
  }

  async #apply(step: NodeStep, signal: AbortSignal): Promise<void> {
    const { workloads, images } = this.#ports;
    switch (step.kind) {
      case 'ensure': {
        const { assignment } = step;
        await images.ensure(assignment.image.name, assignment.image.manifest, signal);
        signal.throwIfAborted();
        return workloads.ensure(assignment, signal);
      }
      case 'remove':
        return workloads.remove(step.instance, signal);
      case 'stop':
        return workloads.stop(step.instance, signal);
      case 'hold':
        return;
    }
  }
}

const instanceOf = (step: NodeStep): string => (step.kind === 'ensure' ? step.assignment.instance : step.instance);

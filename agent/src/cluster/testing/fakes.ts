/** A node in memory: containers that start and stop at once, and fail when told to. */
import { VoltError } from '@volt/shared/errors';
import type { Assignment } from '@volt/shared/model';
import type { ClusterLog, Images, LedgerFile, Observed, Workloads } from '../ports.ts';

export class FakeWorkloads implements Workloads {
  readonly containers = new Map<string, Observed>();
  /** Instances that do not start. */
  readonly broken = new Set<string>();
  /** Told of every start and stop, for tests that check what was ever true. */
  onChange: () => void = () => {};
  /** How long anything takes. */
  latency: () => Promise<void> = () => Promise.resolve();

  async list(): Promise<Observed[]> {
    return [...this.containers.values()];
  }

  async ensure(assignment: Assignment, signal: AbortSignal): Promise<void> {
    await this.latency();
    signal.throwIfAborted();
    const { instance, workload, generation, exclusive, image } = assignment;
    const present = this.containers.get(instance);
    if (present !== undefined && present.generation !== generation) {
      throw new Error(`ensure of '${instance}' over generation ${present.generation}`);
    }
    if (this.broken.has(instance)) throw new VoltError('DEPENDENCY', `'${instance}' did not start`);
    this.containers.set(instance, {
      instance,
      workload,
      generation,
      exclusive,
      state: 'running',
      image: image.name,
      address: '10.1.1.2',
      reason: null,
      startedAt: '2026-01-01T00:00:00.000Z',
    });
    this.onChange();
  }

  async remove(instance: string): Promise<void> {
    await this.latency();
    this.containers.delete(instance);
    this.onChange();
  }

  async stop(instance: string): Promise<void> {
    await this.latency();
    this.set(instance, 'stopped');
  }

  /** As when a program ends by itself. */
  set(instance: string, state: Observed['state']): void {
    const present = this.containers.get(instance);
    if (present !== undefined) this.containers.set(instance, { ...present, state });
    this.onChange();
  }
}

export class FakeImages implements Images {
  /** Images that no peer has. */
  readonly missing = new Set<string>();

  async ensure(name: string, _manifest: string, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    if (this.missing.has(name)) throw new VoltError('NOT_FOUND', `No node has the image '${name}'`);
  }
}

export class FakeLedgerFile implements LedgerFile {
  text: string | undefined;
  isFull = false;

  async read(): Promise<string | undefined> {
    return this.text;
  }

  async write(text: string): Promise<void> {
    if (this.isFull) throw new VoltError('RESOURCE', 'No space is left');
    this.text = text;
  }
}

export const silentLog: ClusterLog = { info: () => {}, warn: () => {} };

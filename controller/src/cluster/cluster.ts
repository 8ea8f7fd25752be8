/**
 * What the controllers' API offers, over KV. Any controller answers; only what
 * is wanted is written here, and the leader does the rest.
 */
import { VoltError } from '@volt/shared/errors';
import { CONTROLLER_LEASE, copiesFor, type BucketKeeper, type Clock, type Entry, type Kv } from '@volt/shared/kv';
import type { StoredWorkload, WorkloadSpec } from '@volt/shared/model';
import { plan, type Snapshot } from '../scheduler/index.ts';
import { readSnapshot } from './read-snapshot.ts';
import { instanceRows, isRunning, noticeOf, nodeRows, workloadRow } from './rows.ts';
import type { InstanceRow, NodeRow, StatusRow, WorkloadRow } from './rows.ts';
import type { Sightings } from './sightings.ts';

/** Turns an image's name into what it means at this moment. NOT_FOUND when no node has it. */
export type ResolveImage = (name: string) => Promise<StoredWorkload['image']>;

export interface ClusterPorts {
  readonly kv: Kv;
  readonly buckets: Pick<BucketKeeper, 'copies'>;
  readonly clock: Clock;
  readonly sightings: Sightings;
  readonly resolveImage: ResolveImage;
}

/** How often a write is tried again when somebody else wrote the same key. */
const TRIES_MAX = 5;

export class Cluster {
  readonly #ports: ClusterPorts;

  constructor(ports: ClusterPorts) {
    this.#ports = ports;
  }

  /**
   * Makes the cluster want these workloads. All images are resolved before the
   * first is written; a failure after that leaves the ones before it applied,
   * and applying all again is harmless.
   */
  async applyWorkloads(specs: readonly WorkloadSpec[]): Promise<WorkloadRow[]> {
    const names = new Set(specs.map(({ name }) => name));
    if (names.size < specs.length) throw new VoltError('INVALID_CONFIG', 'A workload is named twice');
    const images = await Promise.all(specs.map(({ image }) => this.#ports.resolveImage(image)));
    const past = await this.#snapshot();
    for (const [index, spec] of specs.entries()) {
      await this.#change(spec.name, (present) => {
        return wantedBy(present ?? pastOf(spec, past), spec, images[index]!);
      });
    }
    return (await this.listWorkloads()).filter(({ name }) => names.has(name));
  }

  async listWorkloads(): Promise<WorkloadRow[]> {
    const snapshot = await this.#snapshot();
    const reasons = this.#reasons(snapshot);
    return snapshot.workloads.map((workload) => workloadRow(workload, snapshot, reasons.get(workload.spec.name)));
  }

  async scale(name: string, replicas: number): Promise<WorkloadRow> {
    await this.#change(name, (present) => {
      if (present === undefined || present.deletedAt !== null) throw notFound(name);
      return { ...present, spec: { ...present.spec, replicas } };
    });
    const row = (await this.listWorkloads()).find((workload) => workload.name === name);
    if (row === undefined) throw notFound(name);
    return row;
  }

  /** False when there was nothing to delete. */
  async deleteWorkload(name: string): Promise<{ name: string; deleted: boolean }> {
    const deleted = await this.#change(name, (present) => {
      if (present === undefined || present.deletedAt !== null) return present;
      return { ...present, deletedAt: this.#ports.clock.now().toISOString() };
    });
    return { name, deleted };
  }

  async listInstances(): Promise<InstanceRow[]> {
    return instanceRows(await this.#snapshot());
  }

  async listNodes(): Promise<NodeRow[]> {
    const heartbeats = await this.#ports.kv.list('heartbeats');
    const { value: lease } = (await this.#ports.kv.get('leases', CONTROLLER_LEASE)) ?? { value: null };
    return nodeRows(await this.#snapshot(), lease?.holder ?? null, heartbeats);
  }

  async status(): Promise<StatusRow> {
    const { value: lease } = (await this.#ports.kv.get('leases', CONTROLLER_LEASE)) ?? { value: null };
    const snapshot = await this.#snapshot();
    const { nodes, workloads, assignments } = snapshot;
    const wanted = workloads.filter(({ deletedAt }) => deletedAt === null);
    const copiesWanted = copiesFor(nodes.filter(({ record }) => record.roles.includes('controller')).length);
    // While a leader is elected the rest can be told all the same.
    const copies = await this.#ports.buckets.copies().catch(() => null);
    return {
      leader: lease?.holder ?? null,
      token: lease?.token ?? 0,
      nodesReady: nodes.filter(({ state }) => state === 'ready').length,
      nodes: nodes.length,
      workloads: wanted.length,
      instancesRunning: assignments.filter((assignment) => isRunning(assignment, snapshot)).length,
      instancesWanted: wanted.reduce((sum, { spec }) => sum + spec.replicas, 0),
      copies,
      copiesWanted,
      certificatesUntil: nodes.map(({ record }) => record.certificateUntil).reduce(earlier, null),
      notice: noticeOf(copies, copiesWanted),
    };
  }

  /** Why instances are not where they should be, by workload: the first reason of a plan that is never carried out. */
  #reasons(snapshot: Snapshot): Map<string, string> {
    const waits = plan(snapshot, this.#ports.clock.monotonicMs()).filter((step) => step.kind === 'wait');
    return new Map(waits.toReversed().map(({ workload, instance, because }) => [workload, `${instance}: ${because}`]));
  }

  #snapshot(): Promise<Snapshot> {
    const { kv, clock, sightings } = this.#ports;
    // A token of 0 confirms nothing: this plan is for reading.
    return readSnapshot(kv, clock, sightings, 0);
  }

  /** Compare and set, again when somebody was first. Answers whether anything was written. */
  async #change(
    name: string,
    change: (present: StoredWorkload | undefined) => Omit<StoredWorkload, 'updatedAt'> | undefined,
  ): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      const entry = await this.#ports.kv.get('workloads', name);
      const wanted = change(entry?.value ?? undefined);
      if (wanted === undefined || wanted === entry?.value) return false;
      try {
        await this.#store(entry, { ...wanted, updatedAt: this.#ports.clock.now().toISOString() });
        return true;
      } catch (thrown) {
        const isRaced = thrown instanceof VoltError && thrown.code === 'CONFLICT';
        if (!isRaced || tries === TRIES_MAX) throw thrown;
      }
    }
  }

  async #store(entry: Entry<StoredWorkload> | undefined, workload: StoredWorkload): Promise<void> {
    const { name } = workload.spec;
    if (entry === undefined) await this.#ports.kv.create('workloads', name, workload);
    else await this.#ports.kv.update('workloads', name, workload, entry.revision);
  }
}

/**
 * A name that was used before goes on counting: a node that was away may still
 * have a container of the old one, and tells them apart by generation only.
 */
function pastOf(spec: WorkloadSpec, { statuses, assignments }: Snapshot): Pick<StoredWorkload, 'generation'> {
  const traces = [...statuses, ...assignments].filter(({ workload }) => workload === spec.name);
  return { generation: traces.reduce((highest, { generation }) => Math.max(highest, generation), 0) };
}

/** The generation counts changes that need new containers; another number of copies is none. */
function wantedBy(
  present: StoredWorkload | Pick<StoredWorkload, 'generation'>,
  spec: WorkloadSpec,
  image: StoredWorkload['image'],
): Omit<StoredWorkload, 'updatedAt'> {
  const fresh = { spec, image, generation: present.generation + 1, deletedAt: null };
  if (!('spec' in present) || shapeOf(present) !== shapeOf(fresh)) return fresh;
  if (present.spec.replicas === spec.replicas && present.deletedAt === null) return present;
  return { ...fresh, generation: present.generation };
}

/** What a container is made of. */
const shapeOf = ({ spec, image }: Pick<StoredWorkload, 'spec' | 'image'>): string =>
  JSON.stringify([{ ...spec, replicas: 0 }, image]);

/** Of two moments as text, of which one may not be known. */
const earlier = (a: string | null, b: string | null): string | null => (a === null || (b !== null && b < a) ? b : a);

const notFound = (name: string): VoltError =>
  new VoltError('NOT_FOUND', `There is no workload '${name}'`, { hint: 'volt deploy list' });

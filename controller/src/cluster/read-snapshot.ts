import type { Clock, Entry, Kv } from '@volt/shared/kv';
import type { Assignment } from '@volt/shared/model';
import { workloadOf, type AssignmentView, type NodeView, type Snapshot } from '../scheduler/index.ts';
import type { Sightings } from './sightings.ts';

/** Reads all that a decision may rest on. Throws when any of it cannot be read: half a view is worse than none. */
export async function readSnapshot(kv: Kv, clock: Clock, sightings: Sightings, token: number): Promise<Snapshot> {
  // Assignments before statuses: a status then tells of the assignment that was read, or of a later one.
  const assignments = await kv.list('assignments');
  const statuses = await kv.list('status');
  const workloads = await kv.list('workloads');
  const nodes = await readNodes(kv, clock, sightings);
  return {
    token,
    workloads: readable(workloads),
    unreadable: workloads.filter(({ value }) => value === null).map(({ key }) => key),
    nodes,
    assignments: assignments.map(assignmentView),
    statuses: readable(statuses),
  };
}

export async function readNodes(kv: Kv, clock: Clock, sightings: Sightings): Promise<NodeView[]> {
  const records = readable(await kv.list('nodes'));
  sightings.observe(await kv.list('heartbeats'), clock.monotonicMs());
  const nowMs = clock.monotonicMs();
  return records.map((record) => ({
    record,
    state: sightings.state(record, nowMs),
    fencedAtMs: sightings.fencedAtMs(record, nowMs),
  }));
}

export const readable = <T>(entries: readonly Entry<T>[]): T[] =>
  entries.flatMap(({ value }) => (value === null ? [] : [value]));

/** What cannot be read is taken for the worst: an exclusive instance of another generation, to be made gone first. */
export function assignmentView({ key, revision, value }: Entry<Assignment>): AssignmentView {
  if (value !== null) return { ...value, revision };
  const [node = '', instance = ''] = key.split('.');
  const digest = '0'.repeat(64);
  return {
    instance,
    node,
    workload: workloadOf(instance),
    generation: 0,
    token: 0,
    wanted: 'running',
    image: { name: 'unreadable', manifest: digest, tree: digest },
    command: [],
    env: {},
    labels: {},
    exclusive: true,
    memoryMiB: 0,
    cpuMillis: 0,
    because: 'what is stored cannot be read',
    decidedAt: new Date(0).toISOString(),
    revision,
  };
}

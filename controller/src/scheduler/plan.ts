/**
 * What to change so that the cluster runs what was asked for. Pure: reads no
 * clock, waits for nothing, and the same snapshot gives the same steps.
 *
 *             place              withdraw             node says gone, or is gone
 *   (no key) ───────► running ────────────► gone ─────────────────────────────► (no key)
 *                        │       node is lost        forget                        ▲
 *                        └─────────────────────────────────────────────────────────┘
 *
 * A key is `<node>.<instance>`, so an instance moves by losing one key before
 * it gets another: there are never two orders to run it. An exclusive instance
 * keeps its key until its node has stopped it or must have stopped it.
 */
import assert from 'node:assert/strict';
import type { InstanceStatus, StoredWorkload } from '@volt/shared/model';
import { Loads } from './place.ts';
import { indexOf, instanceName, type AssignmentView, type NodeView, type Snapshot, type Step } from './snapshot.ts';

/** A pass over a large change stays short; the next one goes on. */
export const STEPS_PER_PLAN_MAX = 500;

export function plan(snapshot: Snapshot, nowMs: number): Step[] {
  const facts = gather(snapshot, nowMs);
  const steps: Step[] = [];
  for (const assignments of facts.byInstance.values()) {
    const { workload: name } = assignments[0]!;
    const workload = facts.workloads.get(name);
    if (snapshot.unreadable.includes(name)) continue;
    if (workload === undefined || !isWanted(workload, assignments[0]!.instance)) {
      steps.push(...retire(assignments, facts));
    }
  }
  // Highest indexes first, so that what is cut short leaves the lowest.
  steps.sort((a, b) => stepIndex(b) - stepIndex(a));
  for (const workload of snapshot.workloads) {
    steps.push(...(workload.deletedAt === null ? tend(workload, facts) : remove(workload, facts)));
  }
  const changes = steps.filter(({ kind }) => kind !== 'wait').slice(0, STEPS_PER_PLAN_MAX);
  return [...changes, ...steps.filter(({ kind }) => kind === 'wait')];
}

interface Facts {
  readonly token: number;
  readonly nowMs: number;
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly workloads: ReadonlyMap<string, StoredWorkload>;
  readonly byInstance: ReadonlyMap<string, AssignmentView[]>;
  /** Workloads of which anything is left on any node. */
  readonly assigned: ReadonlySet<string>;
  readonly statuses: ReadonlyMap<string, InstanceStatus>;
  readonly loads: Loads;
}

function gather(snapshot: Snapshot, nowMs: number): Facts {
  const byInstance = new Map<string, AssignmentView[]>();
  for (const assignment of snapshot.assignments) {
    byInstance.set(assignment.instance, [...(byInstance.get(assignment.instance) ?? []), assignment]);
  }
  return {
    token: snapshot.token,
    nowMs,
    nodes: new Map(snapshot.nodes.map((node) => [node.record.name, node])),
    workloads: new Map(snapshot.workloads.map((workload) => [workload.spec.name, workload])),
    byInstance,
    assigned: new Set(snapshot.assignments.map(({ workload }) => workload)),
    statuses: new Map(snapshot.statuses.map((status) => [`${status.node}.${status.instance}`, status])),
    loads: new Loads(snapshot.nodes, snapshot.assignments),
  };
}

function isWanted({ spec, deletedAt }: StoredWorkload, instance: string): boolean {
  return deletedAt === null && indexOf(instance) < spec.replicas;
}

/** The steps for one workload that is to run. */
function tend(workload: StoredWorkload, facts: Facts): Step[] {
  const { name, replicas } = workload.spec;
  const instances = Array.from({ length: replicas }, (_, index) => instanceName(name, index));
  const assigned = instances.filter((instance) => facts.byInstance.has(instance));
  const steps = instances
    .filter((instance) => !facts.byInstance.has(instance))
    .map((instance) => place(workload, instance, facts));
  // One at a time, and only while all the others run. One that no node can take does not count:
  // the change may be what makes it fit.
  let mayInterrupt =
    steps.every(({ kind }) => kind === 'wait') &&
    assigned.every((instance) => facts.byInstance.get(instance)!.some((assignment) => runs(assignment, facts)));
  for (const instance of assigned) {
    const [assignment, ...extra] = bestFirst(facts.byInstance.get(instance)!, facts);
    steps.push(...retire(extra, facts, 'a second order for one instance'));
    assert(assignment !== undefined);
    if (assignment.wanted === 'gone' || isLost(assignment, facts)) {
      steps.push(...retire([assignment], facts));
    } else if (assignment.generation !== workload.generation) {
      const isRunning = runs(assignment, facts);
      const because = `spec changed from generation ${assignment.generation} to ${workload.generation}`;
      if (!isRunning || mayInterrupt) steps.push({ kind: 'withdraw', assignment, because });
      else steps.push({ kind: 'wait', workload: name, instance, because: `${because}: one at a time` });
      if (isRunning) mayInterrupt = false;
    } else if (needsConfirmation(assignment, facts)) {
      steps.push({ kind: 'confirm', assignment, because: 'its node has not taken the order of an earlier controller' });
    }
  }
  return steps;
}

/** Brings assignments that should not be to their end, each by its next step. */
function retire(assignments: readonly AssignmentView[], facts: Facts, why = 'no longer wanted'): Step[] {
  return assignments.map((assignment) => {
    const { node, instance, workload } = assignment;
    if (isGone(assignment, facts)) return { kind: 'forget', assignment, because: `gone from '${node}'` };
    if (isLost(assignment, facts)) {
      const because = whyNotFenced(assignment, facts);
      if (because !== undefined) return { kind: 'wait', workload, instance, because };
      // Two steps, so that a node that comes back in between either is heard of or finds the order to stop.
      const kind = assignment.exclusive && assignment.wanted === 'running' ? 'withdraw' : 'forget';
      return { kind, assignment, because: `'${node}' is lost` };
    }
    if (assignment.wanted === 'running') return { kind: 'withdraw', assignment, because: why };
    if (needsConfirmation(assignment, facts)) {
      return { kind: 'confirm', assignment, because: 'its node has not taken the order of an earlier controller' };
    }
    return { kind: 'wait', workload, instance, because: `until it is gone from '${node}'` };
  });
}

function whyNotFenced({ exclusive, node }: AssignmentView, { nodes, nowMs }: Facts): string | undefined {
  if (!exclusive) return undefined;
  const view = nodes.get(node);
  if (view === undefined) return `exclusive, and nothing is known of '${node}', which may run it`;
  const restMs = view.fencedAtMs - nowMs;
  return restMs <= 0 ? undefined : `exclusive, and '${node}' may still run it for ${Math.ceil(restMs / 1000)} s`;
}

function place(workload: StoredWorkload, instance: string, facts: Facts): Step {
  const { node, because } = facts.loads.take(workload);
  if (node === undefined) return { kind: 'wait', workload: workload.spec.name, instance, because };
  return { kind: 'place', workload, instance, node, because };
}

function remove({ spec: { name } }: StoredWorkload, { assigned }: Facts): Step[] {
  return assigned.has(name) ? [] : [{ kind: 'remove', workload: name, because: 'deleted, and none of it is left' }];
}

/** What is on a node that is there, then what was ordered last. */
function bestFirst(assignments: readonly AssignmentView[], facts: Facts): AssignmentView[] {
  const rank = (a: AssignmentView) => (a.wanted === 'gone' ? 2 : 0) + (isLost(a, facts) ? 1 : 0);
  return assignments.toSorted(
    (a, b) => rank(a) - rank(b) || b.token - a.token || b.revision - a.revision || (a.node < b.node ? -1 : 1),
  );
}

/** A node that nobody knows is as lost as one that nobody hears. */
function isLost({ node }: AssignmentView, { nodes }: Facts): boolean {
  const state = nodes.get(node)?.state ?? 'lost';
  return state === 'lost';
}

function isGone(assignment: AssignmentView, facts: Facts): boolean {
  const status = statusOf(assignment, facts);
  return assignment.wanted === 'gone' && status?.state === 'gone' && status.revision === assignment.revision;
}

function runs(assignment: AssignmentView, facts: Facts): boolean {
  const status = statusOf(assignment, facts);
  const isCurrent = status !== undefined && works(status) && status.generation === assignment.generation;
  return isCurrent && assignment.wanted === 'running' && !isLost(assignment, facts);
}

function needsConfirmation(assignment: AssignmentView, facts: Facts): boolean {
  return assignment.token < facts.token && statusOf(assignment, facts)?.revision !== assignment.revision;
}

/** Runs and, where that is checked, is healthy. */
export const works = ({ state, health }: Pick<InstanceStatus, 'state' | 'health'>): boolean =>
  state === 'running' && (health === undefined || health === 'healthy');

const statusOf = ({ node, instance }: AssignmentView, { statuses }: Facts): InstanceStatus | undefined =>
  statuses.get(`${node}.${instance}`);

function stepIndex(step: Step): number {
  if (step.kind === 'wait' || step.kind === 'place') return indexOf(step.instance);
  return step.kind === 'remove' ? 0 : indexOf(step.assignment.instance);
}

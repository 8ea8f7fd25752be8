/** What the API shows, from a snapshot. Pure. */
import type { z } from 'zod';
import type { Entry } from '@volt/shared/kv';
import type { InstanceStatus, NodeHeartbeat, StoredWorkload } from '@volt/shared/model';
import type { ControllerMethods } from '@volt/shared/rpc';
import { works, type AssignmentView, type Snapshot } from '../scheduler/index.ts';

type Result<M extends keyof ControllerMethods> = z.output<ControllerMethods[M]['result']>;

export type WorkloadRow = Result<'deploy.list'>[number];
export type InstanceRow = Result<'instance.list'>[number];
export type NodeRow = Result<'node.list'>[number];
export type StatusRow = Omit<Result<'cluster.status'>, 'cluster'>;

export function workloadRow(workload: StoredWorkload, snapshot: Snapshot, reason: string | undefined): WorkloadRow {
  const { spec, generation, deletedAt } = workload;
  const assignments = snapshot.assignments.filter((assignment) => assignment.workload === spec.name);
  const served = assignments.filter((assignment) => isRunning(assignment, snapshot));
  const current = served.filter((assignment) => assignment.generation === generation);
  const isReady = current.length === spec.replicas && assignments.length === spec.replicas;
  return {
    name: spec.name,
    image: spec.image,
    replicas: spec.replicas,
    running: served.length,
    generation,
    state: deletedAt !== null ? 'deleting' : isReady ? 'ready' : 'progressing',
    reason: isReady && deletedAt === null ? null : (reason ?? nodesReason(assignments, snapshot)),
  };
}

/** Every assignment with what its node says of it, and what its node's loss makes of that. */
export function instanceRows(snapshot: Snapshot): InstanceRow[] {
  return snapshot.assignments.map((assignment) => {
    const status = statusOf(assignment, snapshot);
    const isLost = stateOf(assignment.node, snapshot) === 'lost';
    return {
      name: assignment.instance,
      workload: assignment.workload,
      node: assignment.node,
      state: isLost || status === undefined ? 'pending' : status.state,
      ...(isLost || status?.health === undefined ? {} : { health: status.health }),
      address: status?.address ?? null,
      image: assignment.image.name,
      reason: isLost ? `node '${assignment.node}' is lost` : (status?.reason ?? null),
      startedAt: status?.startedAt ?? null,
      ...labelsOf(assignment.workload, snapshot),
    };
  });
}

function labelsOf(workload: string, { workloads }: Snapshot): Pick<InstanceRow, 'labels'> {
  const labels = workloads.find(({ spec }) => spec.name === workload)?.spec.labels ?? {};
  return Object.keys(labels).length === 0 ? {} : { labels };
}

export function nodeRows(
  snapshot: Snapshot,
  leader: string | null,
  heartbeats: readonly Entry<NodeHeartbeat>[],
): NodeRow[] {
  return snapshot.nodes.map(({ record, state }) => ({
    ...record,
    state,
    instances: snapshot.assignments.filter(({ node }) => node === record.name).length,
    leader: record.name === leader,
    renewedAt: heartbeats.find(({ key }) => key === record.name)?.value?.renewedAt ?? null,
  }));
}

/** What losing a controller would cost at this moment. Null when nothing would be lost. */
export function noticeOf(copies: number | null, wanted: number): string | null {
  if (copies === null) return "how many copies there are of the cluster's state cannot be told at this moment";
  if (wanted === 1)
    return "the cluster's state is on one server, and lost with it: three controllers keep three copies";
  if (copies >= wanted) return null;
  return "the cluster's state is not copied to all servers yet: losing a controller may stop it or lose changes";
}

/** The first reason that a node gives. */
function nodesReason(assignments: readonly AssignmentView[], snapshot: Snapshot): string | null {
  for (const assignment of assignments) {
    const status = statusOf(assignment, snapshot);
    const isIll = status?.state === 'running' && !works(status);
    const reason = status?.reason ?? (isIll ? `runs, its health is ${status.health}` : null);
    if (reason !== null) return `${assignment.instance}: ${reason}`;
  }
  return null;
}

export function isRunning(assignment: AssignmentView, snapshot: Snapshot): boolean {
  const status = statusOf(assignment, snapshot);
  return stateOf(assignment.node, snapshot) !== 'lost' && status !== undefined && works(status);
}

const stateOf = (node: string, { nodes }: Snapshot): string =>
  nodes.find(({ record }) => record.name === node)?.state ?? 'lost';

const statusOf = ({ node, instance }: AssignmentView, { statuses }: Snapshot): InstanceStatus | undefined =>
  statuses.find((status) => status.node === node && status.instance === instance);

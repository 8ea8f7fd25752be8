/** The steps between what runs on this node and what the ledger says. Pure. */
import type { Assignment } from '@volt/shared/model';
import type { Attempts } from './attempts.ts';
import type { Ledger } from './ledger.ts';
import type { Observed } from './ports.ts';

export type NodeStep =
  | { readonly kind: 'ensure'; readonly assignment: Assignment; readonly because: string }
  | { readonly kind: 'remove'; readonly instance: string; readonly because: string }
  /** Stop and keep: it may come back to this node. */
  | { readonly kind: 'stop'; readonly instance: string; readonly because: string }
  /** Nothing can be done at this moment. */
  | { readonly kind: 'hold'; readonly instance: string; readonly because: string };

export interface NodeView {
  readonly ledger: Ledger;
  readonly observed: readonly Observed[];
  /** Whether an exclusive instance may run here, and whether one may be started. */
  readonly lease: { readonly isFresh: boolean; readonly mayStart: boolean };
  readonly attempts: ReadonlyMap<string, Attempts>;
}

/**
 * One step at most for each instance. What leaves comes first, so that its
 * memory and its address are free for what comes.
 */
export function planAssignments(view: NodeView, nowMs: number): NodeStep[] {
  const assigned = new Set(view.ledger.entries.map(({ assignment }) => assignment.instance));
  const observed = new Map(view.observed.map((instance) => [instance.instance, instance]));
  const unassigned = view.observed
    .filter(({ instance }) => !assigned.has(instance))
    .map(({ instance }): NodeStep => ({ kind: 'remove', instance, because: 'no longer assigned to this node' }));
  const steps = view.ledger.entries.flatMap(({ assignment }) => {
    return planOne(assignment, observed.get(assignment.instance), view, nowMs) ?? [];
  });
  return [...unassigned, ...steps].toSorted((a, b) => order[a.kind] - order[b.kind]);
}

const order: Record<NodeStep['kind'], number> = { stop: 0, remove: 1, ensure: 2, hold: 3 };

function planOne(
  assignment: Assignment,
  present: Observed | undefined,
  { lease, attempts }: NodeView,
  nowMs: number,
): NodeStep | undefined {
  const { instance, generation, exclusive } = assignment;
  if (assignment.wanted === 'gone') {
    return present && { kind: 'remove', instance, because: assignment.because };
  }
  if (exclusive && !lease.isFresh) {
    const because = 'exclusive, and the lease of this node has run out';
    return present !== undefined && isActive(present)
      ? { kind: 'stop', instance, because }
      : { kind: 'hold', instance, because };
  }
  if (present !== undefined && present.generation !== generation) {
    const because = `generation ${present.generation} is replaced by ${generation}`;
    return { kind: 'remove', instance, because };
  }
  if (present !== undefined && isActive(present)) return undefined;
  if (exclusive && !lease.mayStart) {
    return { kind: 'hold', instance, because: 'exclusive, and the cluster has not been asked again yet' };
  }
  const past = attempts.get(attemptKey(assignment));
  if (past !== undefined && past.nextAtMs > nowMs) {
    return { kind: 'hold', instance, because: `waits after ${past.tries} tries` };
  }
  return { kind: 'ensure', assignment, because: present === undefined ? assignment.because : `is ${present.state}` };
}

/** Another generation is another program: it begins with no failures. */
export const attemptKey = ({ instance, generation }: Assignment): string => `${instance}@${generation}`;

export const isActive = ({ state }: Observed): boolean =>
  state === 'running' || state === 'starting' || state === 'stopping';

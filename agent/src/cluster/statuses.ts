/** What this node tells the cluster of each assignment. Pure. */
import type { InstanceStatus } from '@volt/shared/model';
import type { Ledger } from './ledger.ts';
import type { Observed } from './ports.ts';

export type Told = Omit<InstanceStatus, 'observedAt'>;

export interface Findings {
  readonly observed: readonly Observed[];
  /** Instances to which something was being done when they were looked at. */
  readonly busy: ReadonlySet<string>;
  readonly reasons: ReadonlyMap<string, string>;
}

/** `gone` is a promise: nothing of it runs, and nothing is under way that could start it. */
export function statusesOf(node: string, ledger: Ledger, { observed, busy, reasons }: Findings): Told[] {
  const present = new Map(observed.map((instance) => [instance.instance, instance]));
  return ledger.entries.map(({ revision, assignment }) => {
    const { instance, workload, generation, token, wanted, image } = assignment;
    const seen = present.get(instance);
    const isOther = seen !== undefined && seen.generation !== generation;
    const isGone = wanted === 'gone' && seen === undefined && !busy.has(instance);
    const state = isGone ? 'gone' : seen === undefined || isOther ? 'pending' : seen.state;
    return {
      instance,
      workload,
      node,
      state,
      ...(seen?.health === undefined || isOther ? {} : { health: seen.health }),
      address: seen?.address ?? null,
      image: image.name,
      generation,
      token,
      revision,
      reason: state === 'running' || state === 'gone' ? null : (reasons.get(instance) ?? seen?.reason ?? null),
      startedAt: seen?.startedAt ?? null,
    };
  });
}

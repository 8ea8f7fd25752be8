/** What this node tells the cluster of each assignment. Pure. */
import type { InstanceStatus } from '@volt/shared/model';
import type { Ledger } from './ledger.ts';
import type { Observed } from './ports.ts';

export type Told = Omit<InstanceStatus, 'observedAt'>;

export function statusesOf(
  node: string,
  ledger: Ledger,
  observed: readonly Observed[],
  reasons: ReadonlyMap<string, string>,
): Told[] {
  const present = new Map(observed.map((instance) => [instance.instance, instance]));
  return ledger.entries.map(({ revision, assignment }) => {
    const { instance, workload, generation, token, wanted, image } = assignment;
    const seen = present.get(instance);
    const isOther = seen !== undefined && seen.generation !== generation;
    const state = seen === undefined ? (wanted === 'gone' ? 'gone' : 'pending') : isOther ? 'pending' : seen.state;
    return {
      instance,
      workload,
      node,
      state,
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

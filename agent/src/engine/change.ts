import type { ContainerChange, ContainerSpec } from '@volt/shared/model';
import { withLimits } from './limits.ts';

/** The spec as it is after a change. Pure. */
export function withChange(spec: ContainerSpec, { labels = {}, ...change }: ContainerChange): ContainerSpec {
  const together = Object.entries({ ...spec.labels, ...labels });
  // An empty label of the spec's own was asked for; one of the change takes away.
  const kept = together.filter(([name, value]) => value !== '' || labels[name] === undefined);
  return { ...withLimits(spec, change), labels: Object.fromEntries(kept) };
}

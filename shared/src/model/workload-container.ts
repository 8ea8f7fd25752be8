/** How containers of a workload are run: the words of `volt run`, without those that are the cluster's to say. */
import * as z from 'zod';
import { ContainerSpec } from './container.ts';
import { Environment } from './environment.ts';
import { Isolation } from './isolation.ts';
import { Limits } from './limits.ts';
import { Storage } from './volume.ts';

const { stopSignal, stopTimeout, without } = ContainerSpec.shape;

export const WorkloadContainer = z.object({
  limits: z
    .strictObject(Limits.shape)
    .optional()
    .describe('How much of its node each copy may use, such as pids: 100.'),
  stopSignal,
  stopTimeout,
  ...Isolation.shape,
  ...Storage.shape,
  without,
  // Each copy has a name of its own.
  ...Environment.omit({ hostname: true }).shape,
});
export type WorkloadContainer = z.output<typeof WorkloadContainer>;

const keys = Object.keys(WorkloadContainer.shape) as (keyof WorkloadContainer)[];

/** Only what was given of it. Pure. */
export const workloadContainer = (given: WorkloadContainer): WorkloadContainer =>
  Object.fromEntries(keys.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]));

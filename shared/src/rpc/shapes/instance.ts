import * as z from 'zod';
import { ContainerStatus, InstanceStatus, Labels } from '../../model/index.ts';

export const InstanceRow = InstanceStatus.pick({
  node: true,
  state: true,
  address: true,
  image: true,
  reason: true,
  startedAt: true,
}).extend({
  name: z.string(),
  workload: z.string().nullable(),
  labels: Labels.optional(),
  ...ContainerStatus.pick({ health: true, checkedAt: true }).shape,
});
export type InstanceRow = z.output<typeof InstanceRow>;

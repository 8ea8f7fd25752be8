import * as z from 'zod';
import { WorkloadName } from '../../model/index.ts';

export const WorkloadRow = z.object({
  name: WorkloadName,
  image: z.string(),
  replicas: z.int(),
  running: z.int(),
  generation: z.int(),
  state: z.enum(['ready', 'progressing', 'deleting']),
  reason: z.string().nullable().describe('Why it is not ready, when it is not.'),
});
export type WorkloadRow = z.output<typeof WorkloadRow>;

/** What a container does and uses at a moment. */
import * as z from 'zod';
import { ContainerName } from './names.ts';

/** One process of a container, as it is numbered inside. */
export const ContainerProcess = z.object({
  pid: z.int(),
  parent: z.int().describe('0 for the first process, and for one that came in from outside.'),
  user: z.int().describe('Number of its user, inside.'),
  state: z.enum(['running', 'sleeping', 'waiting', 'stopped', 'zombie', 'idle']),
  cpuMillis: z.int().describe('Thousandths of a second it has run on a processor.'),
  memoryBytes: z.int().describe('Memory it has in use, shared pages included.'),
  command: z.string(),
});
export type ContainerProcess = z.output<typeof ContainerProcess>;

const Count = z.int().min(0).nullable();

/** Counters of its control group. Null where the node does not count; speeds follow from two of them. */
export const ContainerUsage = z.object({
  name: ContainerName,
  at: z.iso.datetime().describe('When it was counted.'),
  cpuUsec: Count.describe('Microseconds on processors since it started.'),
  memoryBytes: Count,
  memoryLimitBytes: Count.describe('Null where there is no limit.'),
  processes: Count,
  readBytes: Count.describe('From disks, since it started.'),
  writtenBytes: Count,
  receivedBytes: Count.describe('From its network, since it started.'),
  sentBytes: Count,
  oomKills: Count.describe('Programs that were killed because its memory had run out.'),
});
export type ContainerUsage = z.output<typeof ContainerUsage>;

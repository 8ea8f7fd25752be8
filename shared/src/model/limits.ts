/** How much of its node a container may use. */
import * as z from 'zod';
import { parseBytes } from '../lib/index.ts';

/** Takes a limit away. */
export const NO_LIMIT = 'max';

const Amount = z.string().refine((text) => text === NO_LIMIT || parseBytes(text) !== undefined, {
  error: "must be an amount such as 512M, or 'max' for no limit",
});

const CPUS_MAX = 1024;
/** The kernel's own bound of process numbers. */
const PIDS_MAX = 4_194_304;
const OPERATIONS_MAX = 1_000_000_000;

const Operations = z.int().min(0).max(OPERATIONS_MAX);

/** What the kernel bounds of each process. */
const resources = ['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'nofile', 'nproc', 'rtprio', 'stack'];
const most = String.raw`(?:\d{1,18}|unlimited)`;

/** A number that is 0, and an amount that is `max`, is no limit. */
export const Limits = z.object({
  memory: Amount.optional().describe('Most memory it may use, such as 512M; max is no limit.'),
  memorySwap: Amount.optional().describe('Most memory and swap together; the same as memory allows no swap.'),
  cpu: z
    .int()
    .min(0)
    .max(CPUS_MAX * 100)
    .optional()
    .describe('Processor time in hundredths of a processor: 200 is two of them; 0 is no limit.'),
  cpus: z.number().min(0).max(CPUS_MAX).optional().describe('The same in processors, such as 1.5.'),
  cpuset: z
    .string()
    .regex(/^(?:max|\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?){0,63})$/, {
      error: "must be processors such as 0-3,5, or 'max' for all",
    })
    .optional()
    .describe('Processors that it may run on, such as 0-3,5; max is all.'),
  ioWeight: z.int().min(0).max(10_000).optional().describe('Share of the disk among others, 1 to 10000; 100 is usual.'),
  ioReadBps: Amount.optional().describe('Most that it may read from the disk in a second, such as 10M.'),
  ioWriteBps: Amount.optional().describe('Most that it may write to the disk in a second.'),
  ioReadIops: Operations.optional().describe('Most reads from the disk in a second.'),
  ioWriteIops: Operations.optional().describe('Most writes to the disk in a second.'),
  pids: z.int().min(0).max(PIDS_MAX).optional().describe('Most processes and threads; 0 is no limit.'),
  ulimits: z
    .array(
      z.string().regex(new RegExp(`^(?:${resources.join('|')})=${most}(?::${most})?$`), {
        error: 'must look like nofile=1024:4096',
      }),
    )
    .max(16)
    .optional()
    .describe('Limit of each process, as NAME=SOFT:HARD, such as nofile=1024:4096.'),
});
export type Limits = z.output<typeof Limits>;

import * as z from 'zod';

export const SystemInfo = z.object({
  node: z.string(),
  program: z.enum(['voltd', 'volt-controller']),
  version: z.string(),
  pid: z.int(),
  uptimeSeconds: z.number(),
  systemd: z
    .string()
    .nullable()
    .describe('Version of systemd; null when it could not be asked, and from controllers, which do not ask.'),
  kernel: z.string(),
  cluster: z.string().nullable().describe('Name of the cluster this node belongs to.'),
});

export const VoltEvent = z.object({
  at: z.iso.datetime(),
  kind: z.string().describe('What happened, such as container.running.'),
  name: z.string().describe('To what.'),
  detail: z.string().nullable(),
});
export type VoltEvent = z.output<typeof VoltEvent>;

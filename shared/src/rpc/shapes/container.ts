import * as z from 'zod';
import { ContainerConfig, ContainerName, ContainerStatus, Enforced, GRACE_SECONDS_MAX } from '../../model/index.ts';

export const Grace = z
  .int()
  .min(0)
  .max(GRACE_SECONDS_MAX)
  .optional()
  .describe('Seconds between asking it to stop and killing it; 10 unless the container says otherwise.');

export const Name = z.object({ name: ContainerName });

export const ContainerDetail = z.object({
  status: ContainerStatus,
  config: ContainerConfig.describe('Callers who may only look see the names in `env`, and not the values.'),
  isolation: Enforced.describe('What keeps it apart from its machine.'),
});

export const LogLine = z.object({
  at: z.iso.datetime(),
  name: z.string().describe('Whose line it is.'),
  text: z.string(),
});
export type LogLine = z.output<typeof LogLine>;

/** Bytes travel as base64: every frame of a stream is JSON. */
export const ExecOutput = z.object({ stream: z.enum(['stdout', 'stderr']), data: z.base64() });

export const ExecInput = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stdin'), data: z.base64() }),
  z.object({ kind: z.literal('eof') }),
  z.object({ kind: z.literal('resize'), columns: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) }),
]);

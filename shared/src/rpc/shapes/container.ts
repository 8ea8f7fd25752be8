import * as z from 'zod';
import { ContainerConfig, ContainerName, ContainerStatus } from '../../model/index.ts';

const GRACE_SECONDS_MAX = 3600;

export const Grace = z
  .int()
  .min(0)
  .max(GRACE_SECONDS_MAX)
  .default(10)
  .describe('Seconds between asking it to stop and killing it.');

export const Name = z.object({ name: ContainerName });

export const ContainerDetail = z.object({
  status: ContainerStatus,
  config: ContainerConfig.describe('Callers who may only look see the names in `env`, and not the values.'),
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

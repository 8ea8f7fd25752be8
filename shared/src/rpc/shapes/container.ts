import * as z from 'zod';
import {
  ContainerConfig,
  ContainerHealth,
  ContainerName,
  ContainerStatus,
  Enforced,
  GRACE_SECONDS_MAX,
  WaitTime,
} from '../../model/index.ts';

export const Grace = z
  .int()
  .min(0)
  .max(GRACE_SECONDS_MAX)
  .optional()
  .describe('Seconds between asking it to stop and killing it; 10 unless the container says otherwise.');

export const Wait = {
  wait: z.boolean().default(false).describe('Answer only once it runs and, where that is checked, is healthy.'),
  waitTimeout: WaitTime.optional().describe('Give up that wait after this long; 60s unless given.'),
};

export const Name = z.object({ name: ContainerName });

export const ContainerDetail = z.object({
  status: ContainerStatus,
  config: ContainerConfig.describe('Callers who may only look see the names in `env`, and not the values.'),
  health: ContainerHealth.optional().describe('Whether it works, where that is checked.'),
  isolation: Enforced.describe('What keeps it apart from its machine.'),
  pendingRestart: z
    .array(z.string())
    .optional()
    .describe('Secrets and configs that were changed since it started, and that it has after its next start.'),
});

const Moment = z.iso.datetime({ offset: true });

/** Which of the lines that a container printed. */
export const LogWindow = z.object({
  follow: z.boolean().default(false).describe('Keep reading as it prints, also when it is started again.'),
  tail: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('How many of the last lines to begin with; 1000, or with a time or a pattern all.'),
  since: Moment.optional().describe('Nothing that is older, in RFC 3339.'),
  until: Moment.optional().describe('Nothing that is younger, in RFC 3339.'),
  grep: z
    .string()
    .min(1)
    .max(1024)
    // oxlint-disable-next-line no-control-regex
    .regex(/^[^\u0000\n]*$/, { error: 'must be one line' })
    .optional()
    .describe('Only lines in which this regular expression is found, in the way of Perl.'),
  earlier: z.boolean().default(false).describe('Also what earlier containers of this name printed.'),
});

export const LogLine = z.object({
  at: z.iso.datetime(),
  name: z.string().describe('Whose line it is.'),
  text: z.string(),
});
export type LogLine = z.output<typeof LogLine>;

/** The caller's window. */
export const WindowSize = {
  columns: z.int().min(1).max(1000).default(80).describe('Width of its terminal, in characters.'),
  rows: z.int().min(1).max(1000).default(24).describe('Height of its terminal, in lines.'),
};

/** A number, or a name that the image knows; likewise the group. */
export const ExecUser = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, { error: 'must be USER or USER:GROUP' });

export const PassStdin = z.boolean().default(false).describe('Pass on what the caller sends.');

/** Bytes travel as base64: every frame of a stream is JSON. */
export const ExecOutput = z.object({ stream: z.enum(['stdout', 'stderr']), data: z.base64() });

export const ExecInput = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stdin'), data: z.base64() }),
  z.object({ kind: z.literal('eof') }),
  // The caller leaves, and what runs is to go on.
  z.object({ kind: z.literal('detach') }),
  z.object({ kind: z.literal('resize'), columns: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) }),
]);

/** Whether what runs also works: how that is asked, and what was answered. */
import * as z from 'zod';
import { parseDurationMs } from '../lib/index.ts';
import { Argv } from './argv.ts';

const DAY_MS = 86_400_000;
const EVERY_MS_MIN = 100;

const durationOf = (leastMs: number) =>
  z.string().refine(
    (text) => {
      const ms = parseDurationMs(text);
      return ms !== undefined && ms >= leastMs && ms <= DAY_MS;
    },
    { error: `must be a time such as 30s or 2m${leastMs > 0 ? `, ${leastMs}ms at least` : ''}, 24h at most` },
  );

/** How long to wait for it at most. */
export const WaitTime = durationOf(EVERY_MS_MIN);

const Port = z.int().min(1).max(65_535);

const HttpTarget = z
  .string()
  .max(2048)
  .regex(/^[1-9]\d{0,4}(?:\/[\u0021-\u007e]*)?$/, { error: 'must be a port with a path, such as 8080/ready' })
  .refine((text) => Number(/^\d+/.exec(text)?.[0]) <= 65_535, { error: 'has a port above 65535' });

/** Two of the three ways to ask cannot be meant together; whoever makes the container says so. */
export const HealthFlags = z.object({
  health: z.boolean().default(true).describe("Check whether it works, also by its image's own check."),
  healthCmd: Argv.optional().describe('Check it by a program inside, which ends with 0 when all is well.'),
  healthHttp: HttpTarget.optional().describe(
    'Check it over HTTP: 8080/ready answers with 200 to 399 when all is well.',
  ),
  healthTcp: Port.optional().describe('Check it by connecting to this port.'),
  healthInterval: durationOf(EVERY_MS_MIN).optional().describe('Time between two checks; 30s unless given.'),
  healthTimeout: durationOf(EVERY_MS_MIN).optional().describe('What takes longer has failed; 5s unless given.'),
  healthRetries: z.int().min(1).max(100).optional().describe('Unhealthy after so many failures; 3 unless given.'),
  healthStartPeriod: durationOf(0).optional().describe('Time to start in, during which failures do not count; 0s.'),
  healthRestart: z.boolean().optional().describe('Start it again, as its restart policy has it, when it is unhealthy.'),
});
export type HealthFlags = z.output<typeof HealthFlags>;

export const HealthProbe = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exec'), command: Argv.min(1) }),
  z.object({ kind: z.literal('http'), port: Port, path: z.string() }),
  z.object({ kind: z.literal('tcp'), port: Port }),
]);
export type HealthProbe = z.output<typeof HealthProbe>;

/** The same for a workload of the cluster. */
export const WorkloadHealth = z.strictObject({
  cmd: Argv.min(1).optional().describe('A program inside, which ends with 0 when all is well.'),
  http: HttpTarget.optional().describe('8080/ready answers with 200 to 399 when all is well.'),
  tcp: Port.optional().describe('A port to connect to.'),
  interval: durationOf(EVERY_MS_MIN).optional().describe('Time between two checks; 30s unless given.'),
  timeout: durationOf(EVERY_MS_MIN).optional().describe('What takes longer has failed; 5s unless given.'),
  retries: z.int().min(1).max(100).optional().describe('Unhealthy after so many failures; 3 unless given.'),
  startPeriod: durationOf(0).optional().describe('Time to start in, during which failures do not count.'),
  restart: z.boolean().optional().describe('Start a copy again when it is unhealthy.'),
});
export type WorkloadHealth = z.output<typeof WorkloadHealth>;

/** What was decided when the container was made, from what was asked for and what its image says. */
export const HealthCheck = z.object({
  probe: HealthProbe,
  intervalMs: z.int(),
  timeoutMs: z.int(),
  retries: z.int(),
  startPeriodMs: z.int(),
  restart: z.boolean().describe('It is started again when it becomes unhealthy.'),
});
export type HealthCheck = z.output<typeof HealthCheck>;

/** As an image asks for it. What is not said is as for everybody. */
export const ImageHealth = z.object({
  command: Argv.min(1),
  intervalMs: z.int().min(1).max(DAY_MS).optional(),
  timeoutMs: z.int().min(1).max(DAY_MS).optional(),
  startPeriodMs: z.int().min(0).max(DAY_MS).optional(),
  retries: z.int().min(1).max(100).optional(),
});
export type ImageHealth = z.output<typeof ImageHealth>;

/** `unknown`: nobody checks at this moment, as the agent is down or the container is paused. */
export const HealthState = z.enum(['starting', 'healthy', 'unhealthy', 'unknown']);
export type HealthState = z.output<typeof HealthState>;

/** How many results are kept of each container, and how much of what a check said. */
export const HEALTH_RESULTS_MAX = 5;
export const HEALTH_OUTPUT_CHARS_MAX = 1024;

export const HealthResult = z.object({
  at: z.iso.datetime().describe('When the check was over.'),
  isHealthy: z.boolean(),
  tookMs: z.int(),
  output: z.string().max(HEALTH_OUTPUT_CHARS_MAX).describe('The end of what it said.'),
});
export type HealthResult = z.output<typeof HealthResult>;

export const ContainerHealth = z.object({
  state: HealthState,
  since: z.iso.datetime().describe('When it became so.'),
  checkedAt: z.iso.datetime().nullable().describe('When it was last checked.'),
  failures: z.int().describe('How many checks have failed since the last that did not.'),
  results: z.array(HealthResult).max(HEALTH_RESULTS_MAX).describe('The last ones, oldest first.'),
});
export type ContainerHealth = z.output<typeof ContainerHealth>;

import * as z from 'zod';
import { Argv } from './argv.ts';
import { Environment } from './environment.ts';
import { HealthFlags } from './health.ts';
import { Limits } from './limits.ts';
import { Isolation, Protection } from './isolation.ts';
import { ContainerName, EnvName, ImageName } from './names.ts';
import { Storage } from './volume.ts';

export const Env = z.record(EnvName, z.string().max(32_768));

export const Labels = z.record(z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,62}$/), z.string().max(256));

/** `on-failure:3` gives up when it has been started again three times. */
export const RestartPolicy = z
  .string()
  .regex(/^(?:no|on-failure(?::[1-9]\d{0,2})?|always|unless-stopped)$/, {
    error: 'must be no, on-failure, on-failure:N, always or unless-stopped',
  })
  .meta({ choices: ['no', 'on-failure', 'always', 'unless-stopped'] });

export const GRACE_SECONDS_MAX = 3600;

/** Those that a program can be told to end with, or to do something else at. */
export const SignalName = z
  .string()
  .regex(/^SIG(?:HUP|INT|QUIT|ABRT|KILL|USR1|USR2|ALRM|TERM|CONT|STOP|TSTP|WINCH|PWR)$/, {
    error: 'must be the name of a signal, such as SIGTERM',
  });

/** What a user asks a container to be. */
export const ContainerSpec = z.object({
  name: ContainerName,
  image: ImageName,
  command: Argv.default([]).describe('Program and arguments; empty runs what the image names.'),
  env: Env.default({}).describe('Environment variables.'),
  labels: Labels.default({}).describe('Labels to find it by.'),
  restart: RestartPolicy.default('no').describe('When to start it again after it ends.'),
  boot: z.boolean().meta({ flag: 'autostart' }).default(true).describe('Start it when the machine starts.'),
  os: z
    .boolean()
    .meta({ flag: 'boot' })
    .optional()
    .describe('Boot its image as an operating system: its systemd is the first process, and runs its services.'),
  stopSignal: SignalName.optional().describe('Signal that asks its program to end; the image names it otherwise.'),
  stopTimeout: z
    .int()
    .min(0)
    .max(GRACE_SECONDS_MAX)
    .optional()
    .describe('Seconds between asking it to stop and killing it, when a stop does not say.'),
  rm: z.boolean().optional().describe('Delete it when it has ended.'),
  tty: z.boolean().optional().describe('Give its program a terminal, which can be attached to.'),
  interactive: z.boolean().optional().describe('Keep the input of its program open for who attaches to it.'),
  ...HealthFlags.shape,
  ...Limits.shape,
  ...Isolation.shape,
  ...Storage.shape,
  ...Environment.shape,
  without: z.array(Protection).optional().describe('Protections to leave off: only for programs trusted like root.'),
});
export type ContainerSpec = z.output<typeof ContainerSpec>;
export type ContainerSpecInput = z.input<typeof ContainerSpec>;

/** Words for what systemd says of the unit. `created`: defined, never started. */
export const ContainerState = z.enum(['created', 'starting', 'running', 'paused', 'stopping', 'stopped', 'failed']);
export type ContainerState = z.infer<typeof ContainerState>;

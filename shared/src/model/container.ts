import * as z from 'zod';
import { ContainerName, EnvName, ImageName } from './names.ts';

/** A program's argument list. Bounded so that a spec fits a KV value and a unit file. */
export const Argv = z.array(z.string().max(8192)).max(256);

export const Env = z.record(EnvName, z.string().max(32_768));

export const Labels = z.record(z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,62}$/), z.string().max(256));

export const RestartPolicy = z.enum(['no', 'on-failure', 'always']);

/** What a user asks a container to be. */
export const ContainerSpec = z.object({
  name: ContainerName,
  image: ImageName,
  command: Argv.default([]).describe('Program and arguments; empty runs what the image names.'),
  env: Env.default({}).describe('Environment variables.'),
  labels: Labels.default({}).describe('Labels to find it by.'),
  restart: RestartPolicy.default('no').describe('When to start it again after it ends.'),
  boot: z.boolean().default(true).describe('Start it when the machine starts.'),
});
export type ContainerSpec = z.output<typeof ContainerSpec>;
export type ContainerSpecInput = z.input<typeof ContainerSpec>;

/** Words for what systemd says of the unit. `created`: defined, never started. */
export const ContainerState = z.enum(['created', 'starting', 'running', 'stopping', 'stopped', 'failed']);
export type ContainerState = z.infer<typeof ContainerState>;

import * as z from 'zod';
import { ContainerName, Digest, EnvName, ImageName, Ipv4 } from './names.ts';

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

/**
 * config.json: the spec, and all that was decided when the container was made,
 * so that its unit can start it without asking anyone.
 */
export const ContainerConfig = z.object({
  spec: ContainerSpec,
  image: z.object({ manifest: Digest, tree: Digest }).describe('What the image name meant at creation.'),
  command: Argv.describe('The program that runs: the spec wins over the image.'),
  env: Env,
  workdir: z.string(),
  user: z.string().describe('User inside, empty for root.'),
  stopSignal: z.string(),
  network: z.object({ bridge: z.string(), address: Ipv4, prefix: z.int(), gateway: Ipv4 }),
  userns: z.object({ base: z.int(), size: z.int() }),
  assignment: z
    .object({ workload: z.string(), instance: z.string(), generation: z.int(), exclusive: z.boolean() })
    .nullable()
    .describe('Set when the cluster asked for it.'),
  createdAt: z.iso.datetime(),
});
export type ContainerConfig = z.output<typeof ContainerConfig>;

/** What a container is at this moment, read back from systemd. */
export const ContainerStatus = z.object({
  name: ContainerName,
  image: z.string(),
  state: ContainerState,
  address: z.string().nullable(),
  pid: z.int().nullable().describe('Its first process, seen from the node.'),
  exitCode: z.int().nullable().describe('How the last run ended; null while it runs or before it ran.'),
  reason: z.string().nullable().describe('Why it failed, when it did.'),
  startedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type ContainerStatus = z.output<typeof ContainerStatus>;

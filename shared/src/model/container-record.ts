import * as z from 'zod';
import { Argv } from './argv.ts';
import { ContainerSpec, ContainerState, Env } from './container.ts';
import { HealthCheck, HealthState } from './health.ts';
import { ContainerName, Digest, Ipv4 } from './names.ts';
import { Mount } from './volume.ts';

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
  health: HealthCheck.optional().describe('How it is checked, where it is.'),
  moved: z
    .object({ wasUp: z.boolean() })
    .optional()
    .describe('It got another address, and has to be started again if it ran.'),
  network: z.object({ bridge: z.string(), address: Ipv4, prefix: z.int(), gateway: Ipv4 }),
  userns: z.object({ base: z.int(), size: z.int() }),
  assignment: z
    .object({ workload: z.string(), instance: z.string(), generation: z.int(), exclusive: z.boolean() })
    .nullable()
    .describe('Set when the cluster asked for it.'),
  mounts: z.array(Mount).optional().describe('What it is given besides the files of its image, by path.'),
  isStoppedByHand: z
    .boolean()
    .optional()
    .describe('Stopped by somebody who said so; the next boot leaves it alone where asked.'),
  createdAt: z.iso.datetime(),
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional()
    .describe('In the journal, what it printed has this mark: others had its name before.'),
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
  reason: z.string().nullable().describe('Why it failed, when it did; also while it waits to be started again.'),
  restarts: z.int().describe('How often it was started again by itself since it was last started.'),
  startedAt: z.iso.datetime().nullable(),
  health: HealthState.optional().describe('Whether it works, where that is checked.'),
  checkedAt: z.iso.datetime().nullable().optional().describe('When it was last checked.'),
  missing: z
    .array(z.string())
    .optional()
    .describe('Protections and limits asked for that this machine cannot enforce.'),
  createdAt: z.iso.datetime(),
});
export type ContainerStatus = z.output<typeof ContainerStatus>;

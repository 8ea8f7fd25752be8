import * as z from 'zod';
import { Argv } from './argv.ts';
import { ContainerState, Env, Labels } from './container.ts';
import { HealthState, WorkloadHealth } from './health.ts';
import { WorkloadContainer } from './workload-container.ts';
import { ContainerName, Digest, ImageName, Ipv4, NodeName, WorkloadName } from './names.ts';

/** One running copy of a workload: `<workload>-<index>`, also the container's name on its node. */
export const InstanceName = ContainerName.describe('Name of the instance.');

export const REPLICAS_MAX = 1000;

/** What a user asks the cluster to run. One document of a deploy file. */
export const WorkloadSpec = z.object({
  name: WorkloadName,
  image: ImageName,
  replicas: z.int().min(0).max(REPLICAS_MAX).default(1).describe('Copies to run.'),
  command: Argv.default([]),
  env: Env.default({}),
  labels: Labels.default({}),
  memoryMiB: z.int().min(0).max(16_777_216).default(0).describe('Memory set aside for each copy.'),
  cpuMillis: z.int().min(0).max(1_024_000).default(0).describe('CPU set aside for each copy, 1000 is one core.'),
  exclusive: z
    .boolean()
    .default(false)
    .describe('Never run two copies of one index, even when a node cannot be asked.'),
  health: WorkloadHealth.refine(
    ({ cmd, http, tcp }) => [cmd, http, tcp].filter((one) => one !== undefined).length === 1,
    {
      error: 'needs one of cmd, http and tcp',
    },
  )
    .optional()
    .describe('How each copy is checked; one that is not healthy does not count as running.'),
  nodes: z.array(NodeName).max(64).default([]).describe('Only these nodes may run it; empty means any.'),
  ...WorkloadContainer.shape,
});
export type WorkloadSpec = z.output<typeof WorkloadSpec>;
export type WorkloadSpecInput = z.input<typeof WorkloadSpec>;

/** The spec as the cluster stores it. Written only by the controllers' API. */
export const StoredWorkload = z.object({
  spec: WorkloadSpec,
  generation: z.int().min(1),
  image: z.object({ manifest: Digest, tree: Digest }),
  deletedAt: z.iso.datetime().nullable(),
  updatedAt: z.iso.datetime(),
});
export type StoredWorkload = z.output<typeof StoredWorkload>;

/** What a node says of itself. Written only by that node, when something changed. */
export const NodeRecord = z.object({
  name: NodeName,
  address: Ipv4.describe('Where the other nodes reach it.'),
  subnet: z.string().describe('The containers it may address, as CIDR.'),
  roles: z.array(z.enum(['agent', 'controller'])),
  version: z.string(),
  memoryMiB: z.int(),
  cpuMillis: z.int(),
  images: z.array(Digest).max(512).describe('Image manifests in its store.'),
  bootId: z.string(),
  leaseSeconds: z.int().describe('It is lost when its heartbeat is not renewed for this long.'),
  certificateUntil: z.iso.datetime().nullable().default(null).describe('Until when its certificate is good.'),
  fenceSeconds: z.int().describe('It stops its own exclusive instances when it could not renew for this long.'),
});
export type NodeRecord = z.output<typeof NodeRecord>;

/** That a node lives. Apart from NodeRecord because it is renewed every few seconds and must stay small. */
export const NodeHeartbeat = z.object({
  node: NodeName,
  bootId: z.string(),
  renewedAt: z.iso.datetime().describe("By the node's clock; for people, expiry is judged by the reader's."),
});
export type NodeHeartbeat = z.output<typeof NodeHeartbeat>;

/**
 * Who decides: written only by whoever holds it or takes it over. Also whose turn it is to become
 * a controller: written by the controller that takes that node in.
 */
export const LeaderLease = z.object({
  holder: NodeName.nullable().describe('Null when given back.'),
  session: z.string().describe('One run of one controller; of a turn, the name of the NATS server that is to start.'),
  token: z.int().describe('Grows with every change of hands.'),
  renewedAt: z.iso.datetime(),
});
export type LeaderLease = z.output<typeof LeaderLease>;

export const NodeState = z.enum(['ready', 'lost', 'cordoned']);
export type NodeState = z.infer<typeof NodeState>;

/** An instance given to a node, with no choice left. Written only by the leading controller. */
export const Assignment = z.object({
  instance: InstanceName,
  workload: WorkloadName,
  node: NodeName,
  generation: z.int().describe('Of the workload spec.'),
  token: z.int().describe('Fencing token: from the lease of the controller that decided.'),
  wanted: z.enum(['running', 'gone']),
  image: z.object({ name: ImageName, manifest: Digest, tree: Digest }),
  command: Argv,
  env: Env,
  labels: Labels,
  exclusive: z.boolean(),
  health: WorkloadHealth.optional(),
  ...WorkloadContainer.shape,
  memoryMiB: z.int(),
  cpuMillis: z.int(),
  because: z.string().describe('Why here, for people.'),
  decidedAt: z.iso.datetime(),
});
export type Assignment = z.output<typeof Assignment>;

/** What became of an assignment. Written only by its node. */
export const InstanceStatus = z.object({
  instance: InstanceName,
  workload: WorkloadName,
  node: NodeName,
  state: z.enum([...ContainerState.options, 'pending', 'gone']),
  health: HealthState.optional().describe('Whether it works, where that is checked.'),
  address: z.string().nullable(),
  image: z.string(),
  generation: z.int().describe('Of the assignment that this tells of.'),
  token: z.int(),
  revision: z.int().describe('KV revision of the assignment that this tells of.'),
  reason: z.string().nullable(),
  startedAt: z.iso.datetime().nullable(),
  observedAt: z.iso.datetime(),
});
export type InstanceStatus = z.output<typeof InstanceStatus>;

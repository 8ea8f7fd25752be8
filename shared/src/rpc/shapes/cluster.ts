import * as z from 'zod';
import { NodeRecord, NodeState } from '../../model/index.ts';

/** A join token: opaque to people, checked by shape before anything else looks at it. */
export const JoinToken = z
  .string()
  .regex(/^volt1\.[A-Za-z0-9_-]{20,1000}$/, 'Not a join token')
  .describe('A token of volt cluster token.')
  .meta({ secret: true });

export const Cidr = z.cidrv4();

export const ClusterStatus = z.object({
  cluster: z.string(),
  leader: z.string().nullable().describe('The controller that decides; null while one is being elected.'),
  token: z.int().describe('Its fencing token.'),
  nodesReady: z.int(),
  nodes: z.int(),
  workloads: z.int(),
  instancesRunning: z.int(),
  instancesWanted: z.int(),
  copies: z.int().nullable().describe("On how many servers all of the cluster's state is; null when none can say."),
  copiesWanted: z.int().describe('On how many it is to be, with these controllers.'),
  certificatesUntil: z.iso
    .datetime()
    .nullable()
    .default(null)
    .describe("Until when all nodes' certificates are good; each is renewed well before."),
  notice: z.string().nullable().describe('What a loss would cost; null when one may be lost.'),
});

export const NodeRow = NodeRecord.extend({
  state: NodeState,
  instances: z.int(),
  leader: z.boolean(),
  renewedAt: z.iso.datetime().nullable().describe('Its last heartbeat.'),
});
export type NodeRow = z.output<typeof NodeRow>;

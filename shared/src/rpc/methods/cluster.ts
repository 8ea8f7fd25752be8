import * as z from 'zod';
import { Ipv4, NodeName } from '../../model/index.ts';
import { method } from '../method.ts';
import { Cidr, ClusterStatus, JoinToken, NodeRow } from '../shapes/cluster.ts';

/** What an agent does to make its machine part of a cluster. */
export const clusterAgentMethods = {
  'cluster.init': method({
    summary: 'Make this machine the first node of a new cluster.',
    params: () =>
      z.object({
        name: NodeName.default('volt').describe('Name of the cluster.'),
        node: NodeName.optional().describe('Name of this node; its host name by default.'),
        address: Ipv4.optional().describe('Address of this node that the others can reach; its only one by default.'),
        range: Cidr.default('10.1.0.0/16').describe('Addresses for containers; each node gets a /24 of it.'),
        readdress: z
          .boolean()
          .default(false)
          .describe('Although containers run here: they are started again, with addresses of the cluster.'),
      }),
    result: () =>
      z.object({
        cluster: z.string(),
        node: z.string(),
        address: Ipv4,
        controller: z.string().describe('Where others can join, as ADDRESS:PORT.'),
        join: z.string().meta({ secret: true }),
      }),
    permission: 'cluster:admin',
    audit: 'cluster.init',
    resource: 'name',
    cli: 'hand',
  }),

  'cluster.join': method({
    summary: 'Make this machine a node of a cluster.',
    params: () =>
      z.object({
        controller: z
          .string()
          .regex(/^\d+\.\d+\.\d+\.\d+:\d{1,5}$/, 'Must look like 192.0.2.1:7444')
          .describe('A controller, as ADDRESS:PORT.'),
        token: JoinToken,
        node: NodeName.optional().describe('Name of this node; its host name by default.'),
        address: Ipv4.optional().describe(
          'Address of this node that the others can reach; by default the one on its way to the controller.',
        ),
        role: z
          .enum(['auto', 'controller', 'agent'])
          .default('auto')
          .describe('auto: the first three are controllers.'),
        readdress: z
          .boolean()
          .default(false)
          .describe('Although containers run here: they are started again, with addresses of the cluster.'),
      }),
    result: () => z.object({ cluster: z.string(), node: z.string(), roles: z.array(z.string()) }),
    permission: 'cluster:admin',
    audit: 'cluster.join',
    resource: 'controller',
    cli: 'hand',
  }),

  'cluster.leave': method({
    summary: 'Make this machine forget its cluster; what it ran for the cluster is removed.',
    params: () =>
      z.object({
        force: z
          .boolean()
          .default(false)
          .describe('Although the cluster goes on counting on it. For machines that the cluster has deleted.'),
      }),
    result: () => z.object({ node: z.string().nullable(), left: z.boolean().describe('False when it was in none.') }),
    permission: 'cluster:admin',
    audit: 'cluster.leave',
    resource: 'none',
    cli: {
      command: 'cluster leave',
      positional: [],
      columns: [],
      examples: ['cluster leave --force'],
    },
  }),
};

/** What the controllers of a cluster answer. */
export const clusterControllerMethods = {
  'cluster.status': method({
    summary: 'Show the cluster: leader, nodes, workloads, copies of its state.',
    params: () => z.object({}),
    result: () => ClusterStatus,
    permission: 'cluster:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'cluster status',
      positional: [],
      columns: [
        'cluster',
        'leader',
        'nodesReady',
        'nodes',
        'workloads',
        'instancesRunning',
        'instancesWanted',
        'copies',
        'copiesWanted',
        'certificatesUntil',
        'notice',
      ],
      examples: ['cluster status'],
    },
  }),

  'cluster.token': method({
    summary: 'Make a token with which machines can join until it expires.',
    params: () =>
      z.object({
        ttl: z.int().min(10).max(86_400).default(3600).describe('Seconds until it expires.'),
        role: z.enum(['auto', 'agent']).default('auto').describe('agent: what joins with it is never a controller.'),
      }),
    result: () => z.object({ join: z.string().meta({ secret: true }), expiresAt: z.iso.datetime() }),
    permission: 'cluster:admin',
    audit: 'cluster.token',
    resource: 'none',
    cli: {
      command: 'cluster token',
      positional: [],
      columns: [],
      examples: ['cluster token --ttl 600'],
    },
  }),

  'cluster.enroll': method({
    summary: 'Take in a node that shows a join token, and sign its certificate.',
    params: () =>
      z.object({
        token: JoinToken,
        node: NodeName.describe('Name of the node.'),
        address: Ipv4.describe('Address of the node that the others can reach.'),
        role: z.enum(['auto', 'controller', 'agent']).describe('auto: the first three are controllers.'),
        certificateRequest: z.string().max(8192).describe('PKCS #10 in PEM.'),
        userKey: z
          .string()
          .regex(/^U[A-Z2-7]{55}$/)
          .describe("The node's public NATS key."),
      }),
    result: () =>
      z.object({
        cluster: z.string(),
        roles: z.array(z.enum(['agent', 'controller'])),
        server: z.string().nullable().describe('What the NATS server of a controller is to be called.'),
        certificate: z.string(),
        files: z
          .record(z.string(), z.string())
          .meta({ secret: true })
          .describe('What else its roles need, by file name.'),
        subnet: Cidr,
        range: Cidr,
        peers: z.array(z.object({ node: NodeName, address: Ipv4, roles: z.array(z.string()) })),
      }),
    permission: 'public',
    audit: 'cluster.enroll',
    resource: 'node',
    cli: 'hidden',
  }),

  'node.list': method({
    summary: 'List the nodes of the cluster.',
    params: () => z.object({}),
    result: () => z.array(NodeRow),
    permission: 'node:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'node list',
      positional: [],
      columns: ['name', 'state', 'leader', 'address', 'subnet', 'instances', 'version'],
      wide: ['roles', 'memoryMiB', 'cpuMillis', 'renewedAt', 'certificateUntil'],
      examples: ['node list'],
    },
  }),

  'node.inspect': method({
    summary: 'Show all that is known of a node.',
    params: () => z.object({ name: NodeName }),
    result: () => NodeRow,
    permission: 'node:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'node inspect', positional: ['name'], columns: [], examples: ['node inspect node1'] },
  }),

  'node.delete': method({
    summary: 'Take a node out of the cluster. What it ran is run by others; its keys open no door any more.',
    params: () =>
      z.object({
        name: NodeName,
        force: z.boolean().default(false).describe('Although it is alive and runs something, or does not answer.'),
      }),
    result: () => z.object({ name: z.string(), deleted: z.boolean() }),
    permission: 'cluster:admin',
    audit: 'node.delete',
    resource: 'name',
    cli: {
      command: 'node delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['node delete node3', 'node delete node3 --force'],
    },
  }),
};

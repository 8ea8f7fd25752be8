/** cluster.json: what a node must know to find its cluster. No secrets; those are files of their own. */
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';
import { Ipv4, NodeName, NodeRoles } from '../model/index.ts';

export const AGENT_PORT = 7443;
export const CONTROLLER_PORT = 7444;
export const NATS_PORT = 4222;
export const NATS_CLUSTER_PORT = 6222;

/** More controllers than any cluster has use for. */
export const CONTROLLERS_MAX = 16;

const Endpoint = z.string().regex(/^\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}$/, 'Must look like 192.0.2.1:4222');

export const ClusterConfig = z.strictObject({
  cluster: NodeName.describe('Name of the cluster.'),
  node: NodeName,
  address: Ipv4.describe('Address of this node that the others can reach.'),
  subnet: z.cidrv4().describe('Addresses for the containers of this node.'),
  range: z.cidrv4().describe('Addresses for the containers of all nodes.'),
  roles: NodeRoles,
  servers: z.array(Endpoint).min(1).max(CONTROLLERS_MAX).describe('NATS servers; the first is tried first.'),
  controllers: z.array(Endpoint).min(1).max(CONTROLLERS_MAX),
});
export type ClusterConfig = z.output<typeof ClusterConfig>;

/** A controller as others must know it. */
export interface Peer {
  readonly node: string;
  readonly address: string;
}

/**
 * The same node with this list of controllers; itself first when it is one. Those that were known before tell
 * on which port the controllers of this cluster listen.
 */
export function withControllers(
  config: Omit<ClusterConfig, 'servers' | 'controllers'> & Partial<Pick<ClusterConfig, 'controllers'>>,
  peers: readonly Peer[],
): ClusterConfig {
  const port = config.controllers?.[0]?.split(':')[1] ?? CONTROLLER_PORT;
  const addresses = peers
    .toSorted((a, b) => Number(b.node === config.node) - Number(a.node === config.node) || (a.node < b.node ? -1 : 1))
    .slice(0, CONTROLLERS_MAX)
    .map((peer) => peer.address);
  return {
    ...config,
    servers: addresses.map((address) => `${address}:${NATS_PORT}`),
    controllers: addresses.map((address) => `${address}:${port}`),
  };
}

export const writeConfig = (config: ClusterConfig): string =>
  `${JSON.stringify(ClusterConfig.parse(config), null, 2)}\n`;

/** Throws INVALID_CONFIG that names the file and the first field that is wrong. */
export function readConfig(text: string, path: string): ClusterConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new VoltError('INVALID_CONFIG', `'${path}' is not JSON`, { cause: thrown });
  }
  const parsed = ClusterConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? 'the whole' : issue.path.join('.');
  throw new VoltError('INVALID_CONFIG', `'${path}': ${field}: ${issue?.message ?? 'is wrong'}`, {
    cause: parsed.error,
  });
}

/** `cluster init`: this machine becomes the first node of a cluster that did not exist. */
import { createPublicKey } from 'node:crypto';
import { toVoltError, VoltError, wrapError } from '@volt/shared/errors';
import {
  credentialsText,
  freeSubnet,
  isInRange,
  issue,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  natsPaths,
  natsServer,
  renderNats,
  routeFiles,
  signUser,
  withControllers,
  witnessServer,
  writeConfig,
  writeNatsAuthority,
  type ClusterConfig,
  type ClusterFile,
  type ClusterIdentity,
} from '@volt/shared/pki';
import type { AgentMethods, Parsed, Result } from '@volt/shared/rpc';
import { begin, finish, membership, startUnits, undoQuietly, writeFiles } from './membership.ts';
import { nodeNameOf } from './node-name.ts';
import { onlyAddress } from './own-address.ts';
import type { BootstrapPorts } from './ports.ts';
import { untilReady } from './ready.ts';
import { requireNats } from './require-nats.ts';
import { requireStill } from './require-still.ts';
import { termFrom } from './term.ts';
import { controllerUnits } from './units.ts';

export type InitParams = Parsed<AgentMethods['cluster.init']>;
export type InitResult = Result<AgentMethods['cluster.init']>;

/** The certificate for people who administer the cluster from elsewhere. */
const ADMIN = 'admin';

type Files = Record<Exclude<ClusterFile, 'config' | 'revoked'>, string>;

/**
 * Resolves once the cluster answers. On any failure the machine is as it was
 * before, and the error says what did not work. ALREADY_EXISTS on a member.
 */
export async function init(ports: BootstrapPorts, params: InitParams, signal: AbortSignal): Promise<InitResult> {
  const node = nodeNameOf(params.node, ports.hostName());
  const { name: cluster, range } = params;
  const address = params.address ?? onlyAddress(ports);
  const subnet = freeSubnet(range, () => false);
  if (isInRange(range, address)) {
    throw new VoltError('USAGE', `Address ${address} lies in the container range ${range}`, {
      hint: 'choose another --range',
    });
  }
  const present = await membership(ports);
  if (present !== undefined) {
    throw new VoltError('ALREADY_EXISTS', `This machine is node '${present.node}' of cluster '${present.cluster}'`, {
      hint: 'volt cluster token makes a token with which others can join',
    });
  }
  await requireStill(ports, params);
  await requireNats(ports, signal);
  const controllers = [`${address}:${ports.controllerPort}`];
  const self = { cluster, node, address, subnet, range, roles: ['agent' as const, 'controller' as const] };
  const config = withControllers({ ...self, controllers }, [{ node, address }]);
  const files = await firstFiles(ports, config);
  await begin(ports);
  try {
    await writeFiles(ports, { ...files, config: writeConfig(config) });
    const units = controllerUnits(ports.program, { hasWitness: true });
    await startUnits(ports, units, signal);
    const admin = { cert: files.adminCertificate, key: files.adminKey };
    const identity = identityOf(config, files);
    const join = await untilReady(ports, units, (asked) => ports.controllers.makeToken(identity, admin, asked), signal);
    await finish(ports);
    return { cluster, node, address, controller: config.controllers[0]!, join };
  } catch (thrown) {
    await undoQuietly(ports, { keepKey: false });
    throw wrapError(toVoltError(thrown), `Cluster '${cluster}' was not made`);
  }
}

/** Every key and certificate of a new cluster and its first node. Nothing is written here. */
async function firstFiles(ports: BootstrapPorts, config: ClusterConfig): Promise<Files> {
  const { cluster, node, address } = config;
  const { now, permissionsFor } = ports;
  const term = termFrom(ports);
  const authority = makeAuthority(cluster, now());
  const nats = await makeNatsAuthority(cluster, permissionsFor, now());
  const [key, adminKey] = [makeKey(), makeKey()];
  const subject = { name: node, roles: ['node', 'controller'] as const, addresses: [address, '127.0.0.1'] };
  const certificate = issue(authority, createPublicKey(key), subject, term);
  const admin = { name: ADMIN, roles: ['admin'] as const, addresses: [] };
  const { publicKey, seed } = makeUserKey();
  const credentials = async (role: 'node' | 'controller') =>
    credentialsText(await signUser(nats, { role, node, publicKey }, term), seed);
  const server = { cluster, node, server: node, address, peers: [], hasWitness: true, authority: nats };
  return {
    authority: authority.certificate,
    authorityKey: authority.key,
    natsAuthority: writeNatsAuthority(nats),
    certificate: certificate + authority.certificate,
    key,
    credentials: await credentials('node'),
    controllerCredentials: await credentials('controller'),
    adminCertificate: issue(authority, createPublicKey(adminKey), admin, term),
    adminKey,
    ...routeFiles(nats, { node, address, key }, term),
    nats: renderNats(natsServer(server, natsPaths('data'))),
    witness: renderNats(witnessServer(server, natsPaths('witness'))),
  };
}

const identityOf = (config: ClusterConfig, files: Files): ClusterIdentity => ({
  config,
  ca: files.authority,
  cert: files.certificate,
  key: files.key,
  creds: files.credentials,
  controller: null,
});

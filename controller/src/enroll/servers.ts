/**
 * Keeps this node's NATS at work and in step with the list of controllers: routes for the
 * next start, what this release's roles may do, the node's own list of servers, and the end of the witness once
 * there are three controllers. Level-triggered: a pass looks at what is, and
 * one that finds nothing to do changes nothing.
 */
import {
  CLUSTER_DIR,
  clusterFiles,
  clusterPath,
  NATS_UNITS,
  natsPaths,
  natsServer,
  readConfig,
  renderNats,
  WITNESS_UNTIL_CONTROLLERS,
  withPermissions,
  witnessName,
  witnessServer,
  withControllers,
  writeConfig,
  type ClusterFile,
  type ClusterIdentity,
  type ControllerIdentity,
  type MetaGroup,
  type NatsNode,
  type NatsPaths,
  type PermissionsFor,
} from '@volt/shared/pki';
import type { Members } from './ports.ts';
import { createServerWatch, sightOf, type ServerWatch } from './server-watch.ts';

/** A few files of this machine. */
export interface ServerFiles {
  read(path: string): Promise<string | undefined>;
  /** Durable, whole or not at all. */
  write(path: string, text: string, options: { readonly mode: number }): Promise<void>;
  /** An absent one is fine. */
  remove(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
}

export interface ServerUnits {
  /** Makes the service read its configuration again. */
  reload(unit: string): Promise<void>;
  restart(unit: string): Promise<void>;
  /** Stops the unit and removes its file. An unknown one is fine. */
  forget(unit: string): Promise<void>;
}

export interface ServerPorts {
  readonly identity: ClusterIdentity & { readonly controller: ControllerIdentity };
  readonly members: Pick<Members, 'list'>;
  readonly files: ServerFiles;
  readonly units: ServerUnits;
  readonly meta: MetaGroup;
  readonly permissionsFor: PermissionsFor;
  readonly now: () => Date;
  /** Where cluster files are, and what the servers' own are; as installed, unless a test says otherwise. */
  readonly dir?: string | undefined;
  readonly paths?: ((which: 'data' | 'witness') => NatsPaths) | undefined;
}

export interface ServerKeeper {
  /** One pass. Does not retry; the loop that calls it runs again soon. */
  pass(): Promise<void>;
}

export function createServerKeeper(ports: ServerPorts): ServerKeeper {
  const { address, controllers } = ports.identity.config;
  const rank = controllers.toSorted().findIndex((endpoint) => endpoint.startsWith(`${address}:`));
  const watch = createServerWatch(Math.max(rank, 0));
  return {
    async pass() {
      await restartBroken(ports, watch);
      await keepServers(ports);
    },
  };
}

/** Asks nothing of the cluster's state, which is away as long as its servers are. */
async function restartBroken(ports: ServerPorts, watch: ServerWatch): Promise<void> {
  const { identity, files, units, meta, now, dir = CLUSTER_DIR } = ports;
  const { node } = identity.config;
  const text = await files.read(clusterPath('config', dir));
  const config = text === undefined ? identity.config : readConfig(text, clusterPath('config', dir));
  const hasWitness = (await files.read(clusterPath('witness', dir))) !== undefined;
  const own = hasWitness ? [node, witnessName(node)] : [node];
  const sight = await sightOf(meta, own, config.controllers.length + own.length - 1);
  const broken = watch.look(sight, now().getTime());
  if (broken !== undefined) await units.restart(broken === node ? NATS_UNITS.data : NATS_UNITS.witness);
}

async function keepServers(ports: ServerPorts): Promise<void> {
  const { identity, members, files, units, meta, dir = CLUSTER_DIR, paths = natsPaths } = ports;
  const { cluster, node, address } = identity.config;
  const peers = (await members.list()).filter((member) => member.roles.includes('controller'));
  // The first node records itself when the second one comes; until then the list says nothing.
  if (!peers.some((peer) => peer.node === node)) return;

  let hasWitness = (await files.read(clusterPath('witness', dir))) !== undefined;
  if (hasWitness && !(await isWitnessNeeded(peers, node, meta))) {
    await endWitness(ports);
    hasWitness = false;
  }
  const authority = await withPermissions(identity.controller.nats, ports.permissionsFor);
  const server: NatsNode = { cluster, node, address, peers, hasWitness, authority };
  await put(ports, 'config', writeConfig(withControllers(identity.config, peers)));
  if (await put(ports, 'nats', renderNats(natsServer(server, paths('data'))))) await units.reload(NATS_UNITS.data);
  if (!hasWitness) return;
  const text = renderNats(witnessServer(server, paths('witness')));
  if (await put(ports, 'witness', text)) await units.reload(NATS_UNITS.witness);
}

/** Before the route to it is taken away: it may lead the others at this moment, and then hands over. */
async function endWitness({ identity, files, units, meta, dir, paths = natsPaths }: ServerPorts): Promise<void> {
  await meta.remove(witnessName(identity.config.node));
  await units.forget(NATS_UNITS.witness);
  await files.removeTree(paths('witness').storeDir);
  // Last, because it is what says that there is a witness to end.
  await files.remove(clusterPath('witness', dir));
}

/** It may only go when the servers of three controllers do their part; else the rest might have no majority. */
async function isWitnessNeeded(peers: readonly { node: string }[], node: string, meta: MetaGroup): Promise<boolean> {
  if (peers.length < WITNESS_UNTIL_CONTROLLERS) return true;
  const current = new Set(await meta.current());
  return !peers.every((peer) => current.has(peer.node)) || !current.has(node);
}

/** Whether the file had to be written. */
async function put({ files, dir = CLUSTER_DIR }: ServerPorts, file: ClusterFile, text: string): Promise<boolean> {
  const path = clusterPath(file, dir);
  if ((await files.read(path)) === text) return false;
  await files.write(path, text, { mode: clusterFiles[file].mode });
  return true;
}

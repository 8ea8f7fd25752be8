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
  writeNatsAuthority,
  type ClusterFile,
  type ClusterIdentity,
  type ControllerIdentity,
  type MetaGroup,
  type NatsAuthority,
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
  let authority = ports.identity.controller.nats;
  return {
    async pass() {
      await restartBroken(ports, watch);
      const wanted = await withPermissions(authority, ports.permissionsFor);
      // Kept, because signing the same again gives another text, and each would be another reload.
      if (wanted !== authority) await put(ports, 'natsAuthority', writeNatsAuthority(wanted));
      authority = wanted;
      await keepServers(ports, authority);
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

async function keepServers(ports: ServerPorts, authority: NatsAuthority): Promise<void> {
  const { identity, members, files, units, dir = CLUSTER_DIR, paths = natsPaths } = ports;
  const { cluster, node, address } = identity.config;
  const peers = (await members.list()).filter((member) => member.roles.includes('controller'));
  // The first node records itself when the second one comes; until then the list says nothing.
  if (!peers.some((peer) => peer.node === node)) return;

  let hasWitness = (await files.read(clusterPath('witness', dir))) !== undefined;
  if (hasWitness && peers.length >= WITNESS_UNTIL_CONTROLLERS) hasWitness = !(await endWitness(ports, peers));
  const server: NatsNode = { cluster, node, address, peers, hasWitness, authority };
  await put(ports, 'config', writeConfig(withControllers(identity.config, peers)));
  if (await put(ports, 'nats', renderNats(natsServer(server, paths('data'))))) await units.reload(NATS_UNITS.data);
  if (!hasWitness) return;
  const text = renderNats(witnessServer(server, paths('witness')));
  if (await put(ports, 'witness', text)) await units.reload(NATS_UNITS.witness);
}

/**
 * Takes the witness out once the servers of all controllers do their part, and
 * answers whether it is gone. While it leads it only hands over: a leader that
 * takes itself out was measured to be counted on by the others, who then need
 * three votes of three. The route to it goes last, so that all can be told.
 */
async function endWitness(ports: ServerPorts, peers: readonly { node: string }[]): Promise<boolean> {
  const { identity, files, units, meta, dir, paths = natsPaths } = ports;
  const witness = witnessName(identity.config.node);
  const { leader, current, size } = await meta.state();
  if (!peers.every((peer) => current.includes(peer.node))) return false;
  if (leader === witness) {
    await meta.stepDown();
    return false;
  }
  // Until nobody counts on it any more; what was said once may be lost with a leader.
  if (size > peers.length) {
    await meta.remove(witness);
    return false;
  }
  await units.forget(NATS_UNITS.witness);
  await files.removeTree(paths('witness').storeDir);
  // Last, because it is what says that there is a witness to end.
  await files.remove(clusterPath('witness', dir));
  return true;
}

/** Whether the file had to be written. */
async function put({ files, dir = CLUSTER_DIR }: ServerPorts, file: ClusterFile, text: string): Promise<boolean> {
  const path = clusterPath(file, dir);
  if ((await files.read(path)) === text) return false;
  await files.write(path, text, { mode: clusterFiles[file].mode });
  return true;
}

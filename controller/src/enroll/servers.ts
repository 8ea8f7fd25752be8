/**
 * Keeps this node's NATS at work and in step with the list of controllers: routes for the
 * next start, what this release's roles may do, the node's own list of servers, the end of the witness once
 * there are three controllers, and of servers that joins left behind. Level-triggered: a pass looks at what is,
 * and one that finds nothing to do changes nothing.
 */
import { NatsUser, type Member } from '@volt/shared/model';
import {
  CLUSTER_DIR,
  clusterFiles,
  clusterPath,
  NATS_UNITS,
  natsPaths,
  natsServer,
  peerIdOf,
  readConfig,
  renderNats,
  serverNameIn,
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
  type MetaState,
  type NatsAuthority,
  type NatsNode,
  type NatsPaths,
  type PermissionsFor,
  type RevokedUser,
} from '@volt/shared/pki';
import { createLeftovers, type Leftovers } from './leftovers.ts';
import type { Members, RevokedStore, TurnStore } from './ports.ts';
import { isController, serverOf } from './server-names.ts';
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
  readonly members: Pick<Members, 'list' | 'settled' | 'update'>;
  readonly revoked: Pick<RevokedStore, 'list' | 'delete'>;
  /** Has this program's own doors refuse certificates for these keys. */
  readonly refuse: (keys: readonly string[]) => void;
  readonly turns: TurnStore;
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
  const leftovers = createLeftovers();
  let authority = ports.identity.controller.nats;
  return {
    async pass() {
      const state = await ports.meta.state().catch(() => undefined);
      const server = await ownServer(ports);
      await restartBroken(ports, watch, { server, state });
      const wanted = await withPermissions(authority, ports.permissionsFor, await keepRevoked(ports));
      // Kept, because signing the same again gives another text, and each would be another reload.
      if (wanted !== authority) await put(ports, 'natsAuthority', writeNatsAuthority(wanted));
      authority = wanted;
      const known = await facts(ports);
      // The first node records itself when the second one comes; until then the list says nothing.
      if (known === undefined) return;
      await tellRoute(ports, known);
      await keepServers(ports, known, { server, state, authority });
      await giveUp(ports, known, { leftovers, state });
    },
  };
}

/** NATS users to refuse; undefined while the cluster's state is away. */
async function keepRevoked({ revoked, refuse, now }: ServerPorts): Promise<RevokedUser[] | undefined> {
  const all = await revoked.list().catch(() => undefined);
  if (all === undefined) return undefined;
  const live = all.filter(({ until }) => until > now());
  for (const { key } of all.filter((entry) => !live.includes(entry))) await revoked.delete(key);
  refuse(live.map(({ key }) => key));
  const users = live.map(({ key, until }) => ({ user: key.toUpperCase(), until }));
  return users.filter(({ user }) => NatsUser.safeParse(user).success);
}

interface Facts {
  readonly members: readonly Member[];
  readonly settled: ReadonlySet<string>;
  /** Controllers that may be counted on: those whose join is complete, and this one. */
  readonly peers: readonly Member[];
}

async function facts({ identity, members }: ServerPorts): Promise<Facts | undefined> {
  const { node } = identity.config;
  const [all, settled] = [await members.list(), await members.settled()];
  const peers = all.filter((member) => isController(member) && (member.node === node || settled.has(member.node)));
  return peers.some((peer) => peer.node === node) ? { members: all, settled, peers } : undefined;
}

/** What this node's server shows to the others, for them to know it by. */
async function tellRoute({ identity, members: store }: ServerPorts, { members }: Facts): Promise<void> {
  const { route } = identity.controller;
  const own = members.find(({ node }) => node === identity.config.node);
  if (own !== undefined && route !== undefined && own.route !== route) await store.update({ ...own, route });
}

/** What this node's server goes by. Only its own file says so at any moment. */
async function ownServer({ identity, files, dir = CLUSTER_DIR }: ServerPorts): Promise<string> {
  return serverNameIn((await files.read(clusterPath('nats', dir))) ?? '') ?? identity.config.node;
}

const hasWitnessFile = async ({ files, dir = CLUSTER_DIR }: ServerPorts): Promise<boolean> =>
  (await files.read(clusterPath('witness', dir))) !== undefined;

interface Seen {
  /** Name of this node's server. */
  readonly server: string;
  /** Undefined while NATS has no leader. */
  readonly state: MetaState | undefined;
}

/** Asks nothing of the cluster's state, which is away as long as its servers are. */
async function restartBroken(ports: ServerPorts, watch: ServerWatch, { server, state }: Seen): Promise<void> {
  const { identity, files, units, meta, now, dir = CLUSTER_DIR } = ports;
  const { node } = identity.config;
  const text = await files.read(clusterPath('config', dir));
  const config = text === undefined ? identity.config : readConfig(text, clusterPath('config', dir));
  const own = (await hasWitnessFile(ports)) ? [server, witnessName(node)] : [server];
  const sight = await sightOf(meta, state, { own, expected: config.controllers.length + own.length - 1 });
  const broken = watch.look(sight, now().getTime());
  if (broken !== undefined) await units.restart(broken === server ? NATS_UNITS.data : NATS_UNITS.witness);
}

async function keepServers(
  ports: ServerPorts,
  { members, peers, settled }: Facts,
  { server, state, authority }: Seen & { readonly authority: NatsAuthority },
): Promise<void> {
  const { identity, units, paths = natsPaths } = ports;
  const { cluster, node, address } = identity.config;
  const complete = peers.filter((peer) => settled.has(peer.node));
  let hasWitness = await hasWitnessFile(ports);
  if (hasWitness && complete.length >= WITNESS_UNTIL_CONTROLLERS && state !== undefined) {
    hasWitness = !(await endWitness(ports, complete, state));
  }
  const neighbours = neighboursOf(members);
  const own: NatsNode = { cluster, node, server, address, peers, hasWitness, authority, neighbours };
  await put(ports, 'config', writeConfig(withControllers(identity.config, peers)));
  if (await put(ports, 'nats', renderNats(natsServer(own, paths('data'))))) await units.reload(NATS_UNITS.data);
  if (!hasWitness) return;
  const text = renderNats(witnessServer(own, paths('witness')));
  if (await put(ports, 'witness', text)) await units.reload(NATS_UNITS.witness);
}

/** Those that join are among them before they start. None as long as some controller has not told of its key. */
function neighboursOf(members: readonly Member[]): readonly string[] {
  const routes = members.filter(isController).map(({ route }) => route);
  return routes.includes(undefined) ? [] : routes.filter((route) => route !== undefined);
}

/**
 * Takes the witness out once the servers of all controllers do their part, and
 * answers whether it is gone. While it leads it only hands over: a leader that
 * takes itself out was measured to be counted on by the others, who then need
 * three votes of three. The route to it goes last, so that all can be told.
 */
async function endWitness(
  ports: ServerPorts,
  peers: readonly Member[],
  { leader, current, peers: counted, size }: MetaState,
): Promise<boolean> {
  const { identity, files, units, meta, dir, paths = natsPaths } = ports;
  const witness = witnessName(identity.config.node);
  if (!peers.every((peer) => current.includes(serverOf(peer)))) return false;
  if (leader === witness) {
    await meta.stepDown();
    return false;
  }
  // Until nobody counts on it any more; what was said once may be lost with a leader.
  if (size > counted.length || counted.some(({ id }) => id === peerIdOf(witness))) {
    await meta.remove(peerIdOf(witness));
    return false;
  }
  await units.forget(NATS_UNITS.witness);
  await files.removeTree(paths('witness').storeDir);
  // Last, because it is what says that there is a witness to end.
  await files.remove(clusterPath('witness', dir));
  return true;
}

/**
 * Takes out servers that joins left behind, before a majority is missed. Any
 * controller does so; only one that is a member itself can tell.
 */
async function giveUp(
  { identity, meta, turns, now }: ServerPorts,
  { members, settled }: Facts,
  { leftovers, state }: { readonly leftovers: Leftovers; readonly state: MetaState | undefined },
): Promise<void> {
  if (state === undefined || !settled.has(identity.config.node)) return;
  for (const id of leftovers.look(state, members, settled, now().getTime())) {
    await meta.remove(id);
    const turn = await turns.get();
    // The next one need not wait for a node that will not come.
    if (turn?.node != null && peerIdOf(turn.server) === id) await turns.set({ ...turn, node: null }, turn.revision);
  }
}

/** Whether the file had to be written. */
async function put({ files, dir = CLUSTER_DIR }: ServerPorts, file: ClusterFile, text: string): Promise<boolean> {
  const path = clusterPath(file, dir);
  if ((await files.read(path)) === text) return false;
  await files.write(path, text, { mode: clusterFiles[file].mode });
  return true;
}

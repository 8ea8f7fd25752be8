/**
 * nats.conf, rendered. Pure, so that the file a controller writes at `cluster
 * init` and the one it writes when a peer joins come from the same function.
 *
 * JetStream in a cluster elects no leader with fewer than two servers: the
 * smallest size is built in. The first node of a cluster therefore runs a
 * second, tiny server beside its own, the witness, until enough controllers
 * have joined. Its storage limit is so low that no stream is placed on it
 * while there is any other server.
 */
import { createHash, randomBytes } from 'node:crypto';
import { NATS_CLUSTER_PORT, NATS_PORT, type Peer } from './cluster-config.ts';
import { clusterFiles, clusterPath } from './identity.ts';
import type { NatsAuthority } from './nats-auth.ts';

/** With three controllers the witness has done its work. */
export const WITNESS_UNTIL_CONTROLLERS = 3;
export const WITNESS_CLUSTER_PORT = 6223;

/** Above the largest value of any bucket (64 KiB) with its headers. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;
/** Of messages waiting for one slow reader, before it is cut off. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
const CONNECTIONS_MAX = 16_384;
/** A client's first line holds its JWT; the server's own limit of 4096 leaves little room. */
const CONTROL_LINE_BYTES_MAX = 16 * 1024;

export interface NatsServer {
  readonly cluster: string;
  readonly name: string;
  readonly client: { readonly host: string; readonly port: number; readonly isAdvertised: boolean };
  readonly route: { readonly host: string; readonly port: number };
  /** `address:port` of the cluster port of each other server. */
  readonly routes: readonly string[];
  readonly storeDir: string;
  readonly storage: 'data' | 'witness';
  readonly clientTls: TlsFiles;
  readonly routeTls: TlsFiles;
  /** SHA-256 of the public keys of servers that may be neighbours. With none: whoever has a certificate for routes. */
  readonly neighbours: readonly string[];
  readonly authority: Pick<NatsAuthority, 'operator' | 'account' | 'systemAccount' | 'accountKey' | 'systemAccountKey'>;
}

export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface NatsPaths {
  readonly clientTls: TlsFiles;
  readonly routeTls: TlsFiles;
  readonly storeDir: string;
}

/** No node can have this name: a node's name has no dot. */
export const witnessName = (node: string): string => `${node}.witness`;

export const isWitness = (server: string): boolean => server.endsWith('.witness');

/**
 * A name for the server of a node that joins. Each attempt gets another one,
 * because NATS never lets a name back in that was taken out of the group.
 */
export const makeServerName = (node: string): string => `${node}.${randomBytes(4).toString('hex')}`;

/** What a server's own configuration calls it. Undefined for a text that names none. */
export const serverNameIn = (text: string): string | undefined => /^server_name: "([^"]+)"$/m.exec(text)?.[1];

const PEER_ID_LENGTH = 8;
const PEER_ID_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * By what Raft knows a server: NATS derives it from the name. A leader that
 * never spoke to a server cannot name it, but counts on it all the same.
 */
export const peerIdOf = (name: string): string =>
  Array.from(
    createHash('sha256').update(name).digest().subarray(0, PEER_ID_LENGTH),
    (byte) => PEER_ID_DIGITS[byte % PEER_ID_DIGITS.length],
  ).join('');

export interface NatsNode {
  readonly cluster: string;
  readonly node: string;
  /** Name of the node's own server. */
  readonly server: string;
  readonly address: string;
  /** Every controller; itself may be among them. */
  readonly peers: readonly Peer[];
  /** Whether a witness runs beside this node's server. */
  readonly hasWitness: boolean;
  readonly authority: NatsServer['authority'];
  readonly neighbours?: readonly string[];
}

/** The server of a controller node. */
export function natsServer(
  { cluster, server, address, peers, hasWitness, authority, neighbours = [] }: NatsNode,
  paths: NatsPaths,
): NatsServer {
  return {
    cluster,
    name: server,
    client: { host: address, port: NATS_PORT, isAdvertised: true },
    route: { host: address, port: NATS_CLUSTER_PORT },
    routes: routesTo(routeOf({ address }), [
      ...peers.map((peer) => routeOf(peer)),
      ...(hasWitness ? [routeOf({ address }, WITNESS_CLUSTER_PORT)] : []),
    ]),
    storage: 'data',
    ...paths,
    neighbours,
    authority,
  };
}

/** The witness beside the first node's server. Clients have no business with it. */
export function witnessServer(
  { cluster, node, address, peers, authority, neighbours = [] }: NatsNode,
  paths: NatsPaths,
): NatsServer {
  return {
    cluster,
    name: witnessName(node),
    client: { host: '127.0.0.1', port: -1, isAdvertised: false },
    route: { host: address, port: WITNESS_CLUSTER_PORT },
    routes: routesTo(
      routeOf({ address }, WITNESS_CLUSTER_PORT),
      [{ address }, ...peers].map((peer) => routeOf(peer)),
    ),
    storage: 'witness',
    ...paths,
    neighbours,
    authority,
  };
}

/**
 * Never one to itself: a server drops such a route once it sees whom it talks
 * to, and was measured to lose what it had told others of itself on the way.
 */
function routesTo(own: string, addresses: readonly string[]): string[] {
  return [...new Set(addresses)].filter((address) => address !== own).toSorted();
}

const routeOf = ({ address }: Pick<Peer, 'address'>, port: number = NATS_CLUSTER_PORT): string => `${address}:${port}`;

export function renderNats(server: NatsServer): string {
  const { client, route, authority } = server;
  return [
    '# Written by volt. Changes made here are lost.',
    `server_name: ${quote(server.name)}`,
    `host: ${quote(client.host)}`,
    `port: ${client.port}`,
    ...(client.isAdvertised ? [`client_advertise: ${quote(`${route.host}:${client.port}`)}`] : []),
    `max_payload: ${PAYLOAD_BYTES_MAX}`,
    `max_pending: ${PENDING_BYTES_MAX}`,
    `max_connections: ${CONNECTIONS_MAX}`,
    `max_control_line: ${CONTROL_LINE_BYTES_MAX}`,
    '# TLS from the first byte: clients check the certificate for the address before they believe anything.',
    `tls { ${renderTls(server.clientTls)}, handshake_first: true }`,
    '',
    'jetstream {',
    `  store_dir: ${quote(server.storeDir)}`,
    '  # The default acknowledges writes that a power loss takes back.',
    '  sync_interval: always',
    ...(server.storage === 'witness' ? ['  max_file_store: 1024', '  max_memory_store: 1024'] : []),
    '}',
    '',
    'cluster {',
    `  name: ${quote(server.cluster)}`,
    `  listen: ${quote(`${route.host}:${route.port}`)}`,
    '  # Servers tell each other of their neighbours, by the address a connection came from unless this is set.',
    `  advertise: ${quote(`${route.host}:${route.port}`)}`,
    ...(client.isAdvertised ? [] : ['  no_advertise: true']),
    '  # One connection to each neighbour. With several, what one server listens to is at times lost on the other.',
    '  pool_size: -1',
    `  tls { ${renderTls(server.routeTls)}${renderPins(server.neighbours)} }`,
    '  routes: [',
    ...server.routes.map((address) => `    ${quote(`nats://${address}`)}`),
    '  ]',
    '}',
    '',
    `operator: ${quote(authority.operator)}`,
    `system_account: ${authority.systemAccountKey}`,
    'resolver: MEMORY',
    'resolver_preload {',
    `  ${authority.accountKey}: ${quote(authority.account)}`,
    `  ${authority.systemAccountKey}: ${quote(authority.systemAccount)}`,
    '}',
    '',
  ].join('\n');
}

/** A client or a peer without a certificate of our CA is turned away before it says anything. */
const renderTls = ({ ca, certificate, key }: TlsFiles): string =>
  [
    `ca_file: ${quote(ca)}`,
    `cert_file: ${quote(certificate)}`,
    `key_file: ${quote(key)}`,
    'verify: true',
    'timeout: 5',
  ].join(', ');

/** A server of a node that was taken out has a certificate still. */
const renderPins = (keys: readonly string[]): string =>
  keys.length === 0 ? '' : `, pinned_certs: [${keys.toSorted().map(quote).join(', ')}]`;

/** Every value is a name, a path or a JWT that we made; none can hold a quote. */
function quote(value: string): string {
  if (/["\\\n]/.test(value)) throw new Error('Not a value for nats.conf');
  return `"${value}"`;
}

/** Units of the two servers. */
export const NATS_UNITS = { data: 'volt-nats.service', witness: 'volt-nats-witness.service' } as const;

export const NATS_STORES = { data: '/var/lib/volt/nats', witness: '/var/lib/volt/nats-witness' } as const;

/**
 * Where a server finds its files. The keys are not readable for the user that
 * NATS runs as; systemd hands them over as credentials of the unit.
 */
export function natsPaths(which: NatsServer['storage']): NatsPaths {
  const secret = (file: 'key' | 'routesKey') => `/run/credentials/${NATS_UNITS[which]}/${clusterFiles[file].name}`;
  return {
    clientTls: {
      ca: clusterPath('authority'),
      certificate: clusterPath('certificate'),
      key: secret('key'),
    },
    routeTls: {
      ca: clusterPath('routesAuthority'),
      certificate: clusterPath('routesCertificate'),
      key: secret('routesKey'),
    },
    storeDir: NATS_STORES[which],
  };
}

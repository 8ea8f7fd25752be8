/** Who gets into a cluster's NATS and what they can do there; and how it grows from one server to three. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { connect as tlsConnect } from 'node:tls';
import { credsAuthenticator, connect, type ConnectionOptions } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createServerKeeper, type ServerKeeper } from '@volt/controller/enroll';
import { buckets, inboxPrefix, permissionsFor, type BucketName, type ClusterConnection } from '@volt/shared/kv';
import { aNode, anAssignment, aStatus } from '@volt/shared/kv/testing';
import {
  connectMetaGroup,
  credentialsText,
  issue,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  NATS_CLUSTER_PORT,
  signUser,
} from '@volt/shared/pki';
import { NatsCluster, plainFiles, type TestIdentity } from './nats-cluster.ts';

let cluster: NatsCluster;
let one: TestIdentity;
let controller: ClusterConnection;
let keeper: ServerKeeper;
/** Members of the cluster, as the keepers see it. */
let count = 1;

const now = () => new Date();
/** Enough for the keeper to notice a server that came up broken, and for what it does about it. */
const patient = { timeout: 100_000, interval: 500 };

beforeAll(async () => {
  cluster = await NatsCluster.open();
  one = await cluster.startController(1);
  controller = await cluster.connect(one, 'controller');
  keeper = keeperOf(one);
  await vi.waitFor(() => controllersAre(1), patient);
  await vi.waitFor(() => controller.buckets.prepare(1), patient);
});

/** The keeper of a node's servers, with processes for units. */
function keeperOf(identity: TestIdentity): ServerKeeper {
  const { node } = identity.config;
  const configOf = (unit: string) => (unit.includes('witness') ? 'witness' : 'nats');
  return createServerKeeper({
    identity,
    members: { list: async () => Array.from({ length: count }, (_, index) => cluster.member(index + 1)) },
    files: plainFiles,
    units: {
      reload: async (unit) => cluster.reload(node, configOf(unit)),
      restart: async (unit) => {
        await cluster.kill(node, configOf(unit));
        cluster.run(node, configOf(unit));
      },
      forget: (unit) => cluster.kill(node, configOf(unit)),
    },
    meta: connectMetaGroup(identity, now),
    permissionsFor,
    now,
    dir: cluster.dir(node),
    paths: (which) => cluster.paths(node, which),
  });
}

/** Makes a pass, and expects these servers to do their part after it. */
async function controllersAre(wanted: number, ...others: ServerKeeper[]): Promise<void> {
  count = wanted;
  await Promise.all([keeper, ...others].map((each) => each.pass().catch(() => {})));
  const witness = wanted < 3 ? ['node1.witness'] : [];
  const nodes = Array.from({ length: wanted }, (_, index) => `node${index + 1}`);
  const { current, size } = await connectMetaGroup(one, now).state();
  expect(current.toSorted()).toEqual([...nodes, ...witness].toSorted());
  expect(size).toBe(current.length);
}

afterAll(() => cluster.close());

/** What the first node has to enter, with some of it replaced. */
const asNodeOne = (): ConnectionOptions & { tls: object } => ({
  servers: one.config.servers,
  tls: { ca: one.ca, cert: one.cert, key: one.key, handshakeFirst: true },
  authenticator: credsAuthenticator(new TextEncoder().encode(one.creds)),
  timeout: 3000,
  reconnect: false,
});

async function enter(options: ConnectionOptions): Promise<string> {
  try {
    const connection = await connect(options);
    await connection.close();
    return 'entered';
  } catch {
    return 'refused';
  }
}

async function credentialsOf(nats: Awaited<ReturnType<typeof makeNatsAuthority>>, at = new Date()): Promise<string> {
  const { publicKey, seed } = makeUserKey();
  return credentialsText(await signUser(nats, { role: 'controller', node: 'node1', publicKey }, at), seed);
}

/** The servers that have all of a bucket. */
async function copiesOf(bucket: BucketName): Promise<string[]> {
  const connection = await connect({
    ...authenticated(one.controller.creds),
    inboxPrefix: inboxPrefix('controller', 'node1'),
  });
  try {
    const answer = await connection.request(`$JS.API.STREAM.INFO.KV_${bucket}`, '', { timeout: 2000 });
    const { cluster: group } = answer.json<StreamReport>();
    const current = (group.replicas ?? []).filter((replica) => replica.current && (replica.lag ?? 0) === 0);
    return [group.leader, ...current.map((replica) => replica.name)].toSorted();
  } finally {
    await connection.close();
  }
}

interface StreamReport {
  readonly cluster: {
    readonly leader: string;
    readonly replicas?: readonly { readonly name: string; readonly current: boolean; readonly lag?: number }[];
  };
}

const authenticated = (credentials: string): ConnectionOptions => ({
  ...asNodeOne(),
  authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
});

describe('NATS lets in', () => {
  test('a node with a certificate and credentials', async () => {
    expect(await enter(asNodeOne())).toBe('entered');
  });
});

describe('NATS turns away', () => {
  const strangers: Record<string, () => ConnectionOptions | Promise<ConnectionOptions>> = {
    'who has no certificate': () => ({ ...asNodeOne(), tls: { ca: one.ca, handshakeFirst: true } }),
    'who speaks no TLS': () => ({ ...asNodeOne(), tls: null }),
    'whose certificate is of another CA': () => {
      const key = makeKey();
      const subject = { name: 'node1', roles: ['node'] as const, addresses: [one.config.address] };
      const cert = issue(makeAuthority('test', now()), createPublicKey(key), subject, now());
      return { ...asNodeOne(), tls: { ca: one.ca, cert, key, handshakeFirst: true } };
    },
    'whose certificate has expired': () => {
      const key = makeKey();
      const subject = { name: 'node1', roles: ['node'] as const, addresses: [one.config.address] };
      const cert = issue(cluster.authority, createPublicKey(key), subject, new Date('2020-01-01'));
      return { ...asNodeOne(), tls: { ca: one.ca, cert, key, handshakeFirst: true } };
    },
    'who has a certificate and no credentials': () => ({ ...asNodeOne(), authenticator: undefined }),
    'whose credentials another cluster signed': async () =>
      authenticated(await credentialsOf(await makeNatsAuthority('test', permissionsFor, now()))),
    'whose credentials have expired': async () =>
      authenticated(await credentialsOf(cluster.nats, new Date('2020-01-01'))),
    "who shows another's credentials without the key": () => {
      const jwt = one.controller.creds.split('\n')[1]!;
      return authenticated(credentialsText(jwt, makeUserKey().seed));
    },
  };

  test.each(Object.keys(strangers))('one %s', async (name) => {
    expect(await enter(await strangers[name]!())).toBe('refused');
  });

  test('a node that would be a server: its certificate is no good for routes', async () => {
    const { address } = one.config;
    const outcome = await new Promise<string>((resolve) => {
      const { ca, cert, key } = one;
      // The server's own certificate is not looked at here: the question is whether it accepts ours.
      const options = { host: address, port: NATS_CLUSTER_PORT, ca, cert, key, rejectUnauthorized: false };
      const socket = tlsConnect(options);
      socket.once('data', (data) => resolve(`it said ${String(data)}`));
      socket.once('error', (thrown: NodeJS.ErrnoException) => resolve(thrown.code ?? 'error'));
      socket.once('close', () => resolve('closed'));
    });
    expect(outcome).toMatch(/^ERR_SSL_.*ALERT/);
  });
});

describe('credentials of a node', () => {
  const samples: Partial<Record<BucketName, (node: string) => { key: string; value: never }>> = {
    nodes: (node) => ({ key: node, value: aNode(node) as never }),
    status: (node) => ({ key: `${node}.web-0`, value: aStatus(node, 'web-0') as never }),
    assignments: (node) => ({ key: `${node}.web-0`, value: anAssignment(node, 'web-0') as never }),
  };
  let node: ClusterConnection;
  beforeAll(async () => {
    node = await cluster.connect(one, 'node');
  });

  const attempts = Object.keys(samples).flatMap((bucket) =>
    ['node1', 'node2'].map((owner) => {
      const isOwn = owner === 'node1' && buckets[bucket as BucketName].writer === 'node';
      return [isOwn ? 'may' : 'may not', bucket as BucketName, owner] as const;
    }),
  );
  test.each(attempts)('%s write in %s what belongs to %s', async (may, bucket, owner) => {
    const { key, value } = samples[bucket]!(owner);
    const outcome = await node.kv.put(bucket, key, value).then(
      () => 'written',
      () => 'refused',
    );
    expect(outcome).toBe(may === 'may' ? 'written' : 'refused');
    const stored = await controller.kv.get(bucket, key);
    expect(stored !== undefined).toBe(may === 'may');
  });

  test.each(['members', 'subnets', 'tokens', 'workloads', 'leases'] as const)(
    'may not write in %s at all',
    async (bucket) => {
      const raw = await connect(asNodeOne());
      raw.publish(`$KV.${bucket}.node1`, 'x');
      await raw.flush().catch(() => {});
      await raw.close();
      expect(await controller.kv.list(bucket)).toEqual([]);
    },
  );
});

describe('from one controller to three', { timeout: 120_000 }, () => {
  const others: TestIdentity[] = [];
  test('one controller and its witness are a majority of two', async () => {
    await controllersAre(1);
    expect(cluster.isRunning('node1', 'witness')).toBe(true);
  });

  test('the second controller joins a running server, and the witness stays', async () => {
    others.push(await cluster.startController(2));
    const second = keeperOf(others[0]!);
    await vi.waitFor(() => controllersAre(2, second), patient);
    expect(cluster.isRunning('node1', 'witness')).toBe(true);
    const reloaded = async () => expect(await cluster.log('node1', 'nats')).toContain('Reloaded server configuration');
    await vi.waitFor(reloaded, patient);
    expect(await plainFiles.read(cluster.path('node1', 'nats'))).toContain(cluster.peer(2).address);
    expect(await plainFiles.read(cluster.path('node1', 'config'))).toContain(`${cluster.peer(2).address}:4222`);
  });

  test('with the third the witness goes, for good', async () => {
    others.push(await cluster.startController(3));
    const keepers = others.map(keeperOf);
    await vi.waitFor(async () => {
      await controllersAre(3, ...keepers);
      expect(cluster.isRunning('node1', 'witness')).toBe(false);
    }, patient);
    expect(await plainFiles.read(cluster.path('node1', 'witness'))).toBeUndefined();
    expect(await plainFiles.read(cluster.path('node1', 'nats'))).not.toContain(':6223');
  });

  test('state is then kept three times, and outlives the first server', async () => {
    const [two] = others;
    assert(two !== undefined);
    await controller.kv.put('workloads', 'kept', workload);
    await vi.waitFor(() => controller.buckets.prepare(3), patient);
    // A copy counts once it has caught up; until then the first server is as alone as it was.
    await vi.waitFor(async () => expect(await copiesOf('workloads')).toEqual(['node1', 'node2', 'node3']), patient);
    const second = await cluster.connect(two, 'controller');
    await vi.waitFor(async () => expect(await second.kv.get('workloads', 'kept')).toBeDefined(), patient);
    await cluster.kill('node1', 'nats');
    const keepers = others.map(keeperOf);
    const kept = await vi.waitFor(async () => {
      // A survivor that never spoke to the other one is found out only by this loss.
      await Promise.all(keepers.map((each) => each.pass().catch(() => {})));
      await second.kv.put('workloads', 'later', workload);
      return second.kv.list('workloads');
    }, patient);
    expect(kept.map(({ key }) => key)).toEqual(['kept', 'later']);
  });
});

const workload = {
  spec: {
    name: 'kept',
    image: 'web',
    replicas: 1,
    command: [],
    env: {},
    labels: {},
    memoryMiB: 0,
    cpuMillis: 0,
    exclusive: false,
    nodes: [],
  },
  generation: 1,
  image: { manifest: 'a'.repeat(64), tree: 'a'.repeat(64) },
  deletedAt: null,
  updatedAt: '2026-01-01T00:00:00.000Z',
};

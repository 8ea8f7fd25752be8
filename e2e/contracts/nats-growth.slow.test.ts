/** How a cluster's NATS grows from one server to three, and what it then survives. */
import assert from 'node:assert/strict';
import { credsAuthenticator, connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ServerKeeper } from '@volt/controller/enroll';
import { inboxPrefix, type BucketName, type ClusterConnection } from '@volt/shared/kv';
import { connectMetaGroup } from '@volt/shared/pki';
import { NatsCluster, plainFiles, type TestIdentity } from './nats-cluster.ts';
import { keeperOf } from './nats-keeper.ts';

vi.setConfig({ testTimeout: 120_000 });

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
  keeper = keeperFor(one);
  await vi.waitFor(() => controllersAre(1), patient);
  await vi.waitFor(() => controller.buckets.prepare(1), patient);
});

const keeperFor = (identity: TestIdentity) => keeperOf(cluster, identity, () => count);

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

/** The servers that have all of a bucket. */
async function copiesOf(bucket: BucketName): Promise<string[]> {
  const connection = await connect({
    servers: one.config.servers,
    tls: { ca: one.ca, cert: one.cert, key: one.key, handshakeFirst: true },
    authenticator: credsAuthenticator(new TextEncoder().encode(one.controller.creds)),
    inboxPrefix: inboxPrefix('controller', 'node1'),
    timeout: 3000,
    reconnect: false,
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

const others: TestIdentity[] = [];
test('one controller and its witness are a majority of two', async () => {
  await controllersAre(1);
  expect(cluster.isRunning('node1', 'witness')).toBe(true);
});

test('the second controller joins a running server, and the witness stays', async () => {
  others.push(await cluster.startController(2));
  const second = keeperFor(others[0]!);
  await vi.waitFor(() => controllersAre(2, second), patient);
  expect(cluster.isRunning('node1', 'witness')).toBe(true);
  const reloaded = async () => expect(await cluster.log('node1', 'nats')).toContain('Reloaded server configuration');
  await vi.waitFor(reloaded, patient);
  expect(await plainFiles.read(cluster.path('node1', 'nats'))).toContain(cluster.peer(2).address);
  expect(await plainFiles.read(cluster.path('node1', 'config'))).toContain(`${cluster.peer(2).address}:4222`);
});

test('with the third the witness goes, for good', async () => {
  others.push(await cluster.startController(3));
  const keepers = others.map(keeperFor);
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
  // The first server may just have been started again by its keeper.
  await vi.waitFor(() => controller.kv.put('workloads', 'kept', workload), patient);
  await vi.waitFor(() => controller.buckets.prepare(3), patient);
  // A copy counts once it has caught up; until then the first server is as alone as it was.
  await vi.waitFor(async () => expect(await copiesOf('workloads')).toEqual(['node1', 'node2', 'node3']), patient);
  const second = await cluster.connect(two, 'controller');
  await vi.waitFor(async () => expect(await second.kv.get('workloads', 'kept')).toBeDefined(), patient);
  await cluster.kill('node1', 'nats');
  const keepers = others.map(keeperFor);
  const kept = await vi.waitFor(async () => {
    // A survivor that never spoke to the other one is found out only by this loss.
    await Promise.all(keepers.map((each) => each.pass().catch(() => {})));
    await second.kv.put('workloads', 'later', workload);
    return second.kv.list('workloads');
  }, patient);
  expect(kept.map(({ key }) => key)).toEqual(['kept', 'later']);
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

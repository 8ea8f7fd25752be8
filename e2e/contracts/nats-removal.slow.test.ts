/** What NATS does with a controller that is taken out, and with one that takes its place. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RevokedKey } from '@volt/controller/enroll';
import { VoltError } from '@volt/shared/errors';
import { connectCluster, type ClusterConnection } from '@volt/shared/kv';
import { aNode } from '@volt/shared/kv/testing';
import { connectMetaGroup, peerIdOf, userIn } from '@volt/shared/pki';
import { NatsCluster, type TestIdentity } from './nats-cluster.ts';
import { keeperOf } from './nats-keeper.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const now = () => new Date();
/** Enough for the keeper to notice a server that came up broken, and for what it does about it. */
const patient = { timeout: 100_000, interval: 500 };
const never = new Date('2100-01-01T00:00:00Z');

let cluster: NatsCluster;
let controller: ClusterConnection;
const identities = new Map<number, TestIdentity>();
const revoked: RevokedKey[] = [];
/** Members of the cluster, as the keepers see it. */
let numbers: number[] = [];
const keepers = new Map<number, ReturnType<typeof keeperOf>>();

async function start(number: number, gone: readonly number[] = []): Promise<void> {
  numbers = [...numbers, number];
  // The others know the key of one that joins before it starts.
  await pass();
  const identity = await cluster.startController(number, gone);
  identities.set(number, identity);
  keepers.set(
    number,
    keeperOf(cluster, identity, () => numbers, revoked),
  );
}

async function pass(): Promise<void> {
  const running = numbers.map((number) => keepers.get(number)).filter((keeper) => keeper !== undefined);
  await Promise.all(running.map((keeper) => keeper.pass().catch(() => {})));
}

const meta = () => connectMetaGroup(identities.get(1)!, now);

/** Makes a pass, and expects the servers of all members to do their part after it, and no other to be counted. */
async function allDoTheirPart(): Promise<void> {
  await pass();
  const { current, size } = await meta().state();
  expect(current.toSorted()).toEqual(numbers.map((number) => `node${number}`).toSorted());
  expect(size).toBe(current.length);
}

beforeAll(async () => {
  cluster = await NatsCluster.open();
  for (const number of [1, 2, 3]) {
    await start(number);
    const wanted =
      number === 3
        ? allDoTheirPart
        : async () => expect((await pass(), await meta().state()).current).toContain(`node${number}`);
    await vi.waitFor(wanted, patient);
  }
  await vi.waitFor(async () => {
    await pass();
    expect(cluster.isRunning('node1', 'witness')).toBe(false);
  }, patient);
  controller = await cluster.connect(identities.get(1)!, 'controller');
  await vi.waitFor(() => controller.buckets.prepare(3), patient);
  await vi.waitFor(async () => expect(await controller.buckets.copies()).toBe(3), patient);
});

afterAll(() => cluster.close());

test('a dead server is taken out, and two decide', async () => {
  await cluster.kill('node3', 'nats');
  numbers = [1, 2];
  await vi.waitFor(async () => {
    const state = await meta().state();
    expect(state.current).toHaveLength(2);
    if (state.peers.some(({ id }) => id === peerIdOf('node3'))) await meta().remove(peerIdOf('node3'));
    await allDoTheirPart();
  }, patient);
  await vi.waitFor(() => controller.kv.put('nodes', 'node9', aNode('node9')), patient);
});

test('it is no neighbour when it is started again, although its certificate is good', async () => {
  await pass();
  cluster.run('node3', 'nats');
  await vi.waitFor(
    async () => expect(await cluster.log('node3', 'nats')).toMatch(/pinned|not match|tls|TLS/i),
    patient,
  );
  expect((await meta().reachable()).toSorted()).toEqual(['node1', 'node2']);
});

test('its users are refused, and a connection of one is ended', async () => {
  const { creds } = identities.get(3)!;
  const elsewhere = { ...identities.get(3)!, config: identities.get(1)!.config };
  const line = await cluster.connect(elsewhere, 'node');
  revoked.push({ key: userIn(creds).toLowerCase(), until: never });
  await vi.waitFor(async () => {
    await pass();
    expect(line.isConnected()).toBe(false);
  }, patient);
  await expect(line.kv.get('nodes', 'node9')).rejects.toBeInstanceOf(VoltError);
  const { config, ca, cert, key } = elsewhere;
  const again = connectCluster({
    servers: config.servers,
    tls: { ca, cert, key },
    credentials: creds,
    node: 'node3',
    role: 'node',
  });
  // It tries for ever, but not for longer.
  await expect(again.close()).resolves.toBeUndefined();
  expect(again.isConnected()).toBe(false);
});

test('with another in its place there are three copies of everything again', async () => {
  await start(4, [3]);
  await vi.waitFor(allDoTheirPart, patient);
  await vi.waitFor(() => controller.buckets.prepare(3), patient);
  await vi.waitFor(async () => expect(await controller.buckets.copies()).toBe(3), patient);
  expect(await controller.kv.get('nodes', 'node9')).toBeDefined();
});

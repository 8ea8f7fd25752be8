/** The Kv contract on a real nats-server, with the permissions that nodes and controllers get. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buckets, connectCluster, permissionsFor, type ClusterConnection, type ClusterRole } from '@volt/shared/kv';
import { aNode, anAssignment, aStatus, kvContract } from '@volt/shared/kv/testing';
import { NatsServers } from './nats-server.ts';
import { makeUser } from './nats-user.ts';
import { RawNats } from './raw-nats.ts';
import { connected } from './connected.ts';

const controllerUser = makeUser();
const nodeUsers = { node1: makeUser(), node2: makeUser() };

const patient = { timeout: 30_000 };

let nats: NatsServers;
let root: RawNats;
const connections: ClusterConnection[] = [];
let controller: ClusterConnection;
let node1: ClusterConnection;

async function join(role: ClusterRole, node: string, credentials: string): Promise<ClusterConnection> {
  const connection = connectCluster({ servers: nats.addresses, role, node, credentials });
  connections.push(connection);
  return connected(connection);
}

beforeAll(async () => {
  const rootUser = makeUser();
  nats = await NatsServers.start({
    users: [
      { publicKey: rootUser.publicKey, permissions: { publish: ['>'], subscribe: ['>'] } },
      { publicKey: controllerUser.publicKey, permissions: permissionsFor('controller', 'node1') },
      { publicKey: nodeUsers.node1.publicKey, permissions: permissionsFor('node', 'node1') },
      { publicKey: nodeUsers.node2.publicKey, permissions: permissionsFor('node', 'node2') },
    ],
  });
  controller = await join('controller', 'node1', controllerUser.credentials);
  node1 = await join('node', 'node1', nodeUsers.node1.credentials);
  // As controllers do it: a call has a second, and a server that has just come up may need more.
  await vi.waitFor(() => controller.buckets.prepare(1), patient);
  root = await RawNats.open(nats.addresses[0]!, rootUser.credentials);
});

afterAll(async () => {
  await root?.close();
  await Promise.all(connections.map((connection) => connection.close()));
  await nats?.stop();
});

describe('NATS', () => {
  kvContract(() => ({
    controller: controller.kv,
    node: node1.kv,
    storeRaw: async ({ bucket, key, bytes }) => {
      await root.publish(`$KV.${bucket}.${key}`, bytes);
      await root.stored(`KV_${bucket}`, `$KV.${bucket}.${key}`);
    },
  }));
});

describe('a controller that starts late', () => {
  test('reads a large bucket whole', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `large-${index}`);
    // Few at a time: each is on disk before it is answered, and each answer has a second.
    for (let from = 0; from < keys.length; from += 20) {
      const some = keys.slice(from, from + 20);
      await Promise.all(some.map((key) => node1.kv.put('status', `node1.${key}`, aStatus('node1', key))));
    }
    const late = await join('controller', 'node1', controllerUser.credentials);
    const listed = (await late.kv.list('status')).map(({ key }) => key);
    expect(listed).toEqual(expect.arrayContaining(keys.map((key) => `node1.${key}`)));
    expect(listed).toEqual((await controller.kv.list('status')).map(({ key }) => key));
  });
});

describe('preparing', () => {
  test('twice changes nothing', async () => {
    await controller.buckets.prepare(1);
    await controller.buckets.prepare(1);
    expect(Object.keys(buckets)).toHaveLength(await root.streamCount());
  });

  test('a marker is swept at the second sweep, and what was written since stays', async () => {
    const { kv } = controller;
    const gone = await kv.create('assignments', 'node2.swept-0', anAssignment('node2', 'swept-0'));
    await kv.delete('assignments', 'node2.swept-0', gone);
    await kv.create('assignments', 'node2.stays-0', anAssignment('node2', 'stays-0'));
    const before = await root.messageCount('KV_assignments');
    await controller.buckets.sweep();
    expect(await root.messageCount('KV_assignments')).toBe(before);
    await controller.buckets.sweep();
    expect(await root.messageCount('KV_assignments')).toBeLessThan(before);
    const keys = (await kv.list('assignments')).map(({ key }) => key);
    expect(keys).toContain('node2.stays-0');
    expect(keys).not.toContain('node2.swept-0');
  });
});

describe('a node', () => {
  const refused = { code: expect.stringMatching(/^(PERMISSION|TIMEOUT)$/) };

  test('writes its own record, heartbeat and status', async () => {
    await node1.kv.put('nodes', 'node1', aNode('node1'));
    await node1.kv.put('heartbeats', 'node1', { node: 'node1', bootId: 'b', renewedAt: '2026-01-01T00:00:00.000Z' });
    const revision = await node1.kv.put('status', 'node1.web-0', aStatus('node1', 'web-0'));
    await node1.kv.delete('status', 'node1.web-0', revision);
  });

  test('cannot write the keys of another node', async () => {
    await expect(node1.kv.put('nodes', 'node2', aNode('node2'))).rejects.toMatchObject(refused);
    const status = node1.kv.put('status', 'node2.web-0', aStatus('node2', 'web-0'));
    await expect(status).rejects.toMatchObject(refused);
  });

  test('cannot write assignments, workloads or the lease', async () => {
    const own = node1.kv.put('assignments', 'node1.web-0', anAssignment('node1', 'web-0'));
    await expect(own).rejects.toMatchObject(refused);
    const lease = { holder: 'node1', session: 'a', token: 99, renewedAt: '2026-01-01T00:00:00.000Z' };
    await expect(node1.kv.put('leases', 'controller', lease)).rejects.toMatchObject(refused);
  });

  test('cannot read the assignments of another node', async () => {
    await controller.kv.put('assignments', 'node2.secret-0', anAssignment('node2', 'secret-0'));
    await expect(node1.kv.list('assignments', 'node2')).rejects.toMatchObject(refused);
  });

  test('reads the records of all nodes', async () => {
    const node2 = await join('node', 'node2', nodeUsers.node2.credentials);
    await node2.kv.put('nodes', 'node2', aNode('node2'));
    expect((await node1.kv.list('nodes')).map(({ key }) => key)).toContain('node2');
  });

  test('cannot have the server copy a message into the keys of another node and be believed', async () => {
    const forged = new TextEncoder().encode(JSON.stringify(anAssignment('node2', 'forged-0')));
    const intruder = await RawNats.open(nats.addresses[0]!, nodeUsers.node1.credentials);
    await intruder.publish('$KV.status.node1.forged-0', forged);
    await intruder.requestTo(
      '$JS.API.DIRECT.GET.KV_status.$KV.status.node1.forged-0',
      '$KV.assignments.node2.forged-0',
    );
    await root.stored('KV_assignments', '$KV.assignments.node2.forged-0');
    await intruder.close();

    const isForged = ({ key }: { key: string }) => key === 'node2.forged-0';
    expect((await controller.kv.list('assignments')).find(isForged)?.value).toBeNull();
    const node2 = await join('node', 'node2', nodeUsers.node2.credentials);
    expect((await node2.kv.list('assignments', 'node2')).find(isForged)?.value).toBeNull();
  });
});

describe('a cluster that is away', () => {
  let lonely: NatsServers;
  beforeAll(async () => {
    lonely = await NatsServers.start();
  });
  afterAll(() => lonely?.stop());

  test('fails calls with NETWORK at once, and serves again when it is back', async () => {
    const connection = await connected(
      connectCluster({ servers: lonely.addresses, role: 'controller', node: 'node1' }),
    );
    connections.push(connection);
    await vi.waitFor(() => connection.buckets.prepare(1), patient);
    await lonely.kill(0);
    await expect.poll(() => connection.isConnected(), patient).toBe(false);
    await expect(connection.kv.list('nodes')).rejects.toMatchObject({ code: 'NETWORK' });
    lonely.run(0);
    await connected(connection);
    await expect.poll(() => connection.kv.list('nodes').catch(() => null), patient).toEqual([]);
  });
});

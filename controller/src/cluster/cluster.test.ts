import { beforeEach, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { instanceKey } from '@volt/shared/kv';
import { aNode, anAssignment, aStatus, FakeKv, FakeKvStore, SimClock } from '@volt/shared/kv/testing';
import { WorkloadSpec, type WorkloadSpecInput } from '@volt/shared/model';
import { Cluster } from './cluster.ts';
import { Sightings } from './sightings.ts';

const digests = new Map([
  ['web:1', 'a'.repeat(64)],
  ['web:2', 'b'.repeat(64)],
]);

let kv: FakeKv;
let cluster: Cluster;

beforeEach(() => {
  kv = new FakeKv(new FakeKvStore());
  const resolveImage = async (name: string) => {
    const digest = digests.get(name);
    if (digest === undefined) throw new VoltError('NOT_FOUND', `No node has the image '${name}'`);
    return { manifest: digest, tree: digest };
  };
  cluster = new Cluster({ kv, buckets: kv, clock: new SimClock(), sightings: new Sightings(), resolveImage });
});

const web = (more: Partial<WorkloadSpecInput> = {}): WorkloadSpec =>
  WorkloadSpec.parse({ name: 'web', image: 'web:1', ...more });

const generation = async (): Promise<number | undefined> => (await kv.get('workloads', 'web'))?.value?.generation;

test('applying the same again changes nothing', async () => {
  await cluster.applyWorkloads([web()]);
  const before = await kv.get('workloads', 'web');
  await cluster.applyWorkloads([web()]);
  expect(await kv.get('workloads', 'web')).toEqual(before);
});

test('another image is another generation, another number of copies is not', async () => {
  await cluster.applyWorkloads([web()]);
  await cluster.applyWorkloads([web({ replicas: 5 })]);
  expect(await generation()).toBe(1);
  await cluster.applyWorkloads([web({ replicas: 5, image: 'web:2' })]);
  expect(await generation()).toBe(2);
});

test('a name that means another image than before is another generation', async () => {
  await cluster.applyWorkloads([web()]);
  digests.set('web:1', 'c'.repeat(64));
  await cluster.applyWorkloads([web()]);
  digests.set('web:1', 'a'.repeat(64));
  expect(await generation()).toBe(2);
});

test('an image that no node has is NOT_FOUND, and nothing is applied', async () => {
  const both = cluster.applyWorkloads([web(), WorkloadSpec.parse({ name: 'db', image: 'unknown' })]);
  await expect(both).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await kv.list('workloads')).toEqual([]);
});

test('a name given twice is INVALID_CONFIG, and nothing is applied', async () => {
  await expect(cluster.applyWorkloads([web(), web()])).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect(await kv.list('workloads')).toEqual([]);
});

test('scaling changes the number of copies only', async () => {
  await cluster.applyWorkloads([web()]);
  expect(await cluster.scale('web', 7)).toMatchObject({ replicas: 7, generation: 1, state: 'progressing' });
});

test('scaling what is not there is NOT_FOUND', async () => {
  await expect(cluster.scale('web', 2)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('deleting marks the workload, and again or without one is fine', async () => {
  await cluster.applyWorkloads([web()]);
  expect(await cluster.deleteWorkload('web')).toEqual({ name: 'web', deleted: true });
  expect(await cluster.deleteWorkload('web')).toEqual({ name: 'web', deleted: false });
  expect(await cluster.deleteWorkload('ghost')).toEqual({ name: 'ghost', deleted: false });
  expect(await cluster.listWorkloads()).toMatchObject([{ name: 'web', state: 'deleting' }]);
  await expect(cluster.scale('web', 2)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('applying again while it is being deleted brings it back', async () => {
  await cluster.applyWorkloads([web()]);
  await cluster.deleteWorkload('web');
  await cluster.applyWorkloads([web()]);
  expect(await cluster.listWorkloads()).toMatchObject([{ name: 'web', state: 'progressing' }]);
});

test('a name used before goes on counting, for nodes that were away', async () => {
  await kv.put('status', instanceKey('node1', 'web-0'), aStatus('node1', 'web-0', { generation: 4 }));
  await cluster.applyWorkloads([web()]);
  expect(await generation()).toBe(5);
});

test('a workload that waits says why', async () => {
  await cluster.applyWorkloads([web()]);
  expect(await cluster.listWorkloads()).toMatchObject([
    { state: 'progressing', reason: 'web-0: the cluster has no node' },
  ]);
});

test('a copy that runs and is not healthy is shown, and not counted', async () => {
  await cluster.applyWorkloads([web()]);
  await kv.put('nodes', 'node1', aNode('node1'));
  await kv.put('heartbeats', 'node1', { node: 'node1', bootId: 'b', renewedAt: '2026-01-01T00:00:05.000Z' });
  const key = instanceKey('node1', 'web-0');
  const revision = await kv.put('assignments', key, anAssignment('node1', 'web-0'));
  for (const health of ['starting', 'unhealthy', 'unknown'] as const) {
    await kv.put('status', key, aStatus('node1', 'web-0', { revision, health }));
    const reason = `web-0: runs, its health is ${health}`;
    expect(await cluster.listWorkloads()).toMatchObject([{ state: 'progressing', running: 0, reason }]);
    expect(await cluster.listInstances()).toMatchObject([{ name: 'web-0', state: 'running', health }]);
  }
  await kv.put('status', key, aStatus('node1', 'web-0', { revision, health: 'healthy' }));
  expect(await cluster.listWorkloads()).toMatchObject([{ state: 'ready', running: 1 }]);
});

test('what runs is counted, listed and shown by node', async () => {
  await cluster.applyWorkloads([web()]);
  await kv.put('nodes', 'node1', aNode('node1'));
  await kv.put('heartbeats', 'node1', { node: 'node1', bootId: 'b', renewedAt: '2026-01-01T00:00:05.000Z' });
  const revision = await kv.put('assignments', instanceKey('node1', 'web-0'), anAssignment('node1', 'web-0'));
  await kv.put('status', instanceKey('node1', 'web-0'), aStatus('node1', 'web-0', { revision, address: '10.1.1.2' }));
  expect(await cluster.listWorkloads()).toMatchObject([{ state: 'ready', running: 1, reason: null }]);
  expect(await cluster.listInstances()).toMatchObject([
    { name: 'web-0', workload: 'web', node: 'node1', state: 'running', address: '10.1.1.2' },
  ]);
  expect(await cluster.listNodes()).toMatchObject([
    { name: 'node1', state: 'ready', instances: 1, leader: false, renewedAt: '2026-01-01T00:00:05.000Z' },
  ]);
  expect(await cluster.status()).toEqual({
    leader: null,
    token: 0,
    nodesReady: 1,
    nodes: 1,
    workloads: 1,
    instancesRunning: 1,
    instancesWanted: 1,
    copies: 0,
    copiesWanted: 1,
    certificatesUntil: null,
    notice: expect.stringContaining('on one server') as string,
  });
});

test.each<[string, number, number | null]>([
  ['state is on one server', 1, 1],
  ['not copied to all servers yet', 3, 1],
  ['not copied to all servers yet', 3, 2],
  ['cannot be told', 3, null],
])('a loss that the cluster would not survive is announced: %s', async (notice, controllers, copies) => {
  for (let index = 1; index <= controllers; index += 1) {
    await kv.put('nodes', `node${index}`, aNode(`node${index}`, { roles: ['agent', 'controller'] }));
  }
  kv.copies = copies === null ? () => Promise.reject(new VoltError('NETWORK', 'away')) : async () => copies;
  expect((await cluster.status()).notice).toContain(notice);
});

test('until when certificates are good is told of the first that ends', async () => {
  const ends = { node1: '2027-02-01T00:00:00.000Z', node2: '2027-01-01T00:00:00.000Z', node3: null };
  for (const [node, certificateUntil] of Object.entries(ends)) {
    await kv.put('nodes', node, aNode(node, { certificateUntil }));
  }
  expect(await cluster.status()).toMatchObject({ certificatesUntil: ends.node2 });
});

test('three copies of three survive the loss of one', async () => {
  for (const node of ['node1', 'node2', 'node3']) {
    await kv.put('nodes', node, aNode(node, { roles: ['agent', 'controller'] }));
  }
  await kv.prepare(3);
  expect(await cluster.status()).toMatchObject({ copies: 3, copiesWanted: 3, notice: null });
});

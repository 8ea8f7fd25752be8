/** Real controllers and agents over a fake KV, in simulated time. A seed repeats any failure. */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { FakeKv } from '@volt/shared/kv/testing';
import { SimulatedCluster } from './simulated-cluster.ts';

let cluster: SimulatedCluster;

afterEach(() => cluster.stop());

async function clusterOf(nodes: number): Promise<SimulatedCluster> {
  cluster = new SimulatedCluster(nodes);
  await cluster.start();
  return cluster;
}

const names = (workload: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${workload}-${index}`);

test('three copies run on three nodes within seconds', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'web', image: 'web', replicas: 3 });
  const seconds = await cluster.until(() => names('web', 3).every((name) => cluster.running(name).length === 1), 30);
  expect(seconds).toBeLessThan(3);
  expect(new Set(names('web', 3).flatMap((name) => cluster.running(name))).size).toBe(3);
  await cluster.clock.advance(3000);
  expect((await cluster.during(cluster.controllers[1]!.api.listWorkloads()))[0]).toMatchObject({
    running: 3,
    state: 'ready',
    reason: null,
  });
});

test('the copy of a node that loses power runs elsewhere within 15 s', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'web', image: 'web', replicas: 2 });
  await cluster.until(() => names('web', 2).every((name) => cluster.running(name).length === 1), 30);
  const [lost] = cluster.running('web-0');
  const node = cluster.nodes.find(({ name }) => name === lost)!;
  node.losePower();
  const seconds = await cluster.until(() => cluster.running('web-0').length === 1, 60);
  expect(seconds).toBeLessThan(15);

  node.boot();
  await cluster.until(() => cluster.running('web-0').length === 1 && !node.workloads.containers.has('web-0'), 30);
});

test('without a cluster everything goes on, all but the exclusive ones', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'web', image: 'web', replicas: 3 });
  await cluster.apply({ name: 'db', image: 'db', exclusive: true });
  await cluster.until(() => cluster.running('db-0').length === 1 && cluster.running('web-2').length === 1, 30);
  cluster.store.isAway = true;
  await cluster.clock.advance(10_000);
  expect(cluster.running('db-0'), 'an election of NATS stops nothing').toHaveLength(1);
  await cluster.clock.advance(60_000);
  expect(names('web', 3).map((name) => cluster.running(name).length)).toEqual([1, 1, 1]);
  expect(cluster.running('db-0')).toEqual([]);

  cluster.store.isAway = false;
  await cluster.until(() => cluster.running('db-0').length === 1, 30);
  await cluster.clock.advance(30_000);
  expect(names('web', 3).map((name) => cluster.running(name).length)).toEqual([1, 1, 1]);
});

test('an exclusive copy of a node that is cut off starts elsewhere after it was stopped there', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'db', image: 'db', exclusive: true });
  await cluster.until(() => cluster.running('db-0').length === 1, 30);
  const [first] = cluster.running('db-0');
  cluster.nodes.find(({ name }) => name === first)!.kv.isAway = true;
  let most = 0;
  const seconds = await cluster.until(() => {
    most = Math.max(most, cluster.running('db-0').length);
    return cluster.running('db-0').length === 1 && cluster.running('db-0')[0] !== first;
  }, 60);
  expect(most).toBe(1);
  expect(seconds).toBeLessThan(30);
});

test('a node that is back does not start an exclusive copy before it has heard what was decided', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'db', image: 'db', exclusive: true });
  await cluster.until(() => cluster.running('db-0').length === 1, 30);
  const node = cluster.nodes.find(({ name }) => name === cluster.running('db-0')[0])!;
  node.kv.isAway = true;
  await cluster.until(() => cluster.running('db-0').some((name) => name !== node.name), 60);
  node.kv.isBehind = true;
  node.kv.isAway = false;
  await cluster.clock.advance(10_000);
  expect(cluster.running('db-0')).not.toContain(node.name);
  node.kv.isBehind = false;
  await cluster.until(() => !node.workloads.containers.has('db-0'), 10);
});

/** The order for db-0 on node1 is stuck on its way, and meanwhile node1 is given something else. */
async function stuckOrder(): Promise<FakeKv> {
  await clusterOf(3);
  // Quick enough to start it before the leader can take it back.
  cluster.nodes[0]!.workloads.latency = () => Promise.resolve();
  const leader = cluster.controllers[0]!.kv;
  leader.holdsWrites = true;
  await cluster.apply({ name: 'db', image: 'db', exclusive: true });
  await cluster.clock.advance(500);
  await cluster.apply({ name: 'a-filler', image: 'web', replicas: 2, nodes: ['node1'] });
  return leader;
}

async function expectOneCopy(leader: FakeKv): Promise<void> {
  await cluster.until(() => cluster.running('db-0').length === 1, 30);
  expect(cluster.running('db-0')).not.toContain('node1');
  leader.holdsWrites = false;
  leader.release();
  expect([...cluster.store.keys('assignments').keys()]).toContain('node1.db-0');
  for (let step = 0; step < 2000; step += 1) {
    await cluster.clock.advance(10);
    expect(cluster.running('db-0')).toHaveLength(1);
  }
  expect([...cluster.store.keys('assignments').keys()]).not.toContain('node1.db-0');
}

test('an order of an earlier leader that arrives late is refused, and taken back', async () => {
  await expectOneCopy(await stuckOrder());
});

test('a leader whose order got stuck decides anew under a higher token', async () => {
  const leader = await stuckOrder();
  // What comes after it gets through.
  leader.holdsWrites = false;
  await expectOneCopy(leader);
});

test('an agent that starts without the cluster runs its ledger, and no exclusive instance', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'web', image: 'web', replicas: 3 });
  await cluster.apply({ name: 'db', image: 'db', exclusive: true, nodes: ['node1'] });
  await cluster.until(() => cluster.running('db-0').length === 1 && cluster.running('web-2').length === 1, 30);
  const node = cluster.nodes[0]!;
  node.losePower();
  node.workloads.containers.clear();
  node.agent.on();
  await cluster.clock.advance(5000);
  const here = [...node.workloads.containers.values()].map(({ workload }) => workload);
  expect(here).toEqual(['web']);
});

test('an image that no node has leaves the copy pending with the reason', async () => {
  await clusterOf(3);
  for (const { images } of cluster.nodes) images.missing.add('lost');
  await cluster.apply({ name: 'web', image: 'lost' });
  await cluster.clock.advance(10_000);
  const [row] = await cluster.during(cluster.controllers[0]!.api.listWorkloads());
  expect(row).toMatchObject({ state: 'progressing', running: 0 });
  expect(row!.reason).toMatch(/^web-0: No node has the image 'lost'/);
});

test('a deleted workload leaves nothing behind', async () => {
  await clusterOf(3);
  await cluster.apply({ name: 'web', image: 'web', replicas: 5 });
  await cluster.until(() => cluster.running('web-4').length === 1, 30);
  await cluster.during(cluster.controllers[2]!.api.deleteWorkload('web'));
  await cluster.until(() => cluster.store.keys('workloads').size === 0, 30);
  await cluster.clock.advance(5000);
  expect(cluster.store.keys('assignments').size).toBe(0);
  expect(cluster.store.keys('status').size).toBe(0);
  expect(cluster.nodes.flatMap(({ workloads }) => [...workloads.containers.keys()])).toEqual([]);
});

test('whatever fails, no exclusive instance ever runs twice, and all is well at the end', async () => {
  const fault = fc.record({
    kind: fc.constantFrom('power', 'boot', 'cut', 'heal', 'quorum', 'regain', 'controller', 'answers', 'late', 'apply'),
    which: fc.nat({ max: 4 }),
    ms: fc.nat({ max: 12_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 25 }), async (faults) => {
      await clusterOf(5);
      let twice = '';
      for (const { workloads } of cluster.nodes) {
        workloads.onChange = () => {
          const copies = cluster.running('db-0');
          if (copies.length > 1) twice = `db-0 on ${copies.join(' and ')} at ${cluster.clock.monotonicMs()} ms`;
        };
      }
      await cluster.apply({ name: 'db', image: 'db', exclusive: true });
      await cluster.apply({ name: 'web', image: 'web', replicas: 4 });
      for (const { kind, which, ms } of faults) {
        await inject(cluster, kind, which);
        await cluster.clock.advance(ms);
        expect(twice).toBe('');
      }
      mend(cluster);
      await cluster.clock.advance(120_000);
      expect(twice).toBe('');
      expect(['db-0', ...names('web', 4)].map((name) => [name, cluster.running(name).length])).toEqual(
        ['db-0', ...names('web', 4)].map((name) => [name, 1]),
      );
      await cluster.stop();
    }),
    { numRuns: 60 },
  );
});

async function inject(at: SimulatedCluster, kind: string, which: number): Promise<void> {
  const node = at.nodes[which]!;
  const controller = at.controllers[which % 3]!;
  if (kind === 'power') node.losePower();
  if (kind === 'boot' && !node.agent.isUp) node.boot();
  if (kind === 'cut') node.kv.isAway = true;
  if (kind === 'heal' && node.agent.isUp) node.kv.isAway = false;
  if (kind === 'quorum') at.store.isAway = true;
  if (kind === 'regain') at.store.isAway = false;
  if (kind === 'answers') controller.kv.losesAnswers = !controller.kv.losesAnswers;
  if (kind === 'late') {
    controller.kv.holdsWrites = !controller.kv.holdsWrites;
    if (!controller.kv.holdsWrites) controller.kv.release();
  }
  if (kind === 'controller') {
    if (controller.program.isUp) controller.program.off();
    else controller.program.on();
  }
  if (kind === 'apply' && !at.store.isAway && at.controllers.some(({ kv }) => !kv.losesAnswers && !kv.holdsWrites)) {
    await at.apply({ name: 'db', image: 'db', exclusive: true, env: { CHANGE: `${which}` } }).catch(() => {});
  }
}

function mend(at: SimulatedCluster): void {
  at.store.isAway = false;
  for (const { kv, program } of at.controllers) {
    kv.losesAnswers = false;
    kv.holdsWrites = false;
    kv.release();
    program.on();
  }
  for (const node of at.nodes) {
    node.kv.isAway = false;
    if (!node.agent.isUp) node.boot();
  }
}

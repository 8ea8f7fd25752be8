/** Real controllers and agents on three real nats-servers; only the containers are fake. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runClusterNode } from '@volt/agent/cluster';
import { FakeImages, FakeLedgerFile, FakeWorkloads, silentLog } from '@volt/agent/cluster/testing';
import { Cluster, Sightings } from '@volt/controller/cluster';
import { runController } from '@volt/controller/reconcilers';
import { connectCluster, systemClock } from '@volt/shared/kv';
import type { BucketKeeper, ClusterConnection, ClusterRole } from '@volt/shared/kv';
import { aNode } from '@volt/shared/kv/testing';
import { WorkloadSpec } from '@volt/shared/model';
import { NatsServers } from './nats-server.ts';

const DIGEST = 'd'.repeat(64);
const names = ['node1', 'node2', 'node3'];

class TestCluster {
  readonly nats: NatsServers;
  readonly workloads = names.map(() => new FakeWorkloads());
  readonly apis: Cluster[] = [];
  readonly #connections: ClusterConnection[] = [];
  readonly #buckets: BucketKeeper[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(nats: NatsServers) {
    this.nats = nats;
    for (const [index, node] of names.entries()) {
      this.#startController(index, node);
      this.#startAgent(index, node);
    }
  }

  #connect(role: ClusterRole, index: number): ClusterConnection {
    const { addresses } = this.nats;
    // Each its own server first, as on real nodes.
    const servers = [...addresses.slice(index), ...addresses.slice(0, index)];
    const connection = connectCluster({ servers, role, node: names[index]! });
    this.#connections.push(connection);
    return connection;
  }

  #startController(index: number, node: string): void {
    const { kv, buckets } = this.#connect('controller', index);
    this.#buckets.push(buckets);
    const sightings = new Sightings();
    const resolveImage = async () => ({ manifest: DIGEST, tree: DIGEST });
    this.apis.push(new Cluster({ kv, buckets, clock: systemClock, sightings, resolveImage }));
    const ports = {
      node,
      session: node,
      kv,
      buckets,
      isGrown: async () => true,
      clock: systemClock,
      sightings,
      log: silentLog,
    };
    this.#running.push(runController(ports, this.#stop.signal));
  }

  #startAgent(index: number, node: string): void {
    const { kv } = this.#connect('node', index);
    const ports = {
      node,
      bootId: 'b',
      kv,
      clock: systemClock,
      workloads: this.workloads[index]!,
      images: new FakeImages(),
      ledgerFile: new FakeLedgerFile(),
      deadMan: { renewed: async () => {} },
      facts: async () => aNode(node, { roles: ['agent', 'controller'] }),
      log: silentLog,
    };
    this.#running.push(runClusterNode(ports, this.#stop.signal));
  }

  copies(): Promise<number> {
    return this.#buckets[0]!.copies();
  }

  running(): string[] {
    return this.workloads.flatMap(({ containers }) => [...containers.keys()]).toSorted();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }
}

/** Each wait has its own deadline; this one is beyond their sum. */
vi.setConfig({ testTimeout: 400_000, hookTimeout: 240_000 });

let nats: NatsServers;
let cluster: TestCluster | undefined;

beforeEach(async () => {
  nats = await NatsServers.start({ servers: 3 });
  // All copies from the beginning: one added a moment ago may say that it has all, and be wrong.
  const first = connectCluster({ servers: nats.addresses, role: 'controller', node: 'first' });
  // A server that was seen to leave for a moment counts as gone until its next report, up to half a minute.
  await until(() => first.buckets.prepare(3), 90_000);
  await first.close();
});

afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  await nats?.stop();
});

const until = <T>(isSo: () => T | Promise<T>, ms: number): Promise<T> =>
  vi.waitFor(isSo, { timeout: ms, interval: 20 });

test.each([0, 1, 2])('killing nats-server %i loses no assignment and stops nothing', async (killed) => {
  const here = new TestCluster(nats);
  cluster = here;
  const near = here.apis[(killed + 1) % 3]!;
  const apply = (replicas: number) =>
    near.applyWorkloads([WorkloadSpec.parse({ name: 'web', image: 'web', replicas })]);
  await until(() => apply(3), 60_000);
  await until(() => expect(here.running()).toEqual(['web-0', 'web-1', 'web-2']), 60_000);
  await until(async () => expect((await near.status()).nodesReady).toBe(3), 60_000);

  await until(async () => expect(await here.copies()).toBe(3), 60_000);
  const before = await until(() => near.listInstances(), 60_000);
  let removals = 0;
  for (const workloads of here.workloads) {
    const present = workloads.containers.size;
    workloads.onChange = () => {
      if (workloads.containers.size < present) removals += 1;
    };
  }
  await here.nats.kill(killed);
  await until(() => apply(5), 60_000);
  await until(() => expect(here.running()).toEqual(['web-0', 'web-1', 'web-2', 'web-3', 'web-4']), 60_000);
  const placed = (rows: typeof before) => rows.map(({ name, node }) => `${node}.${name}`);
  await until(async () => {
    const after = placed(await near.listInstances());
    expect(after).toEqual(expect.arrayContaining(placed(before)));
    expect(after).toHaveLength(5);
  }, 60_000);
  expect(removals).toBe(0);
});

/** The leader's node is cut off from the others, and everything on it runs on. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { CONTROLLER_LEASE } from '@volt/shared/kv';
import { eventually, formCluster, untilReady, volt } from '../cluster/index.ts';
import type { Lab, LabNode } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { applyWeb, importWeb, instancesOf, mend, pageOf, running, untilServing, type Instance } from './cluster-web.ts';
import { controllerLog, leaderOf, momentsOf, untilCopied, View, type LogEntry } from './cluster-view.ts';

const WEB = { name: 'web', replicas: 3 };
const SOLO = { name: 'solo', replicas: 3, exclusive: true };
/** Exclusive ones wait until the node that is away has certainly stopped them: 20 s and a little. */
const MOVED_MS_MAX = 60_000;
const LOOK_EVERY_MS = 100;
const AWAY_EXITS = [7, 8];

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  for (const node of lab.nodes) await importWeb(node);
  await untilCopied(lab);
});

afterEach(async () => mend(await openTestLab()));

interface Sighting {
  readonly atMs: number;
  readonly token: number;
  readonly holder: string | null;
}

/** Looks at the lease as one side sees it, again and again, until the signal. What could not be read is not there. */
async function watchLease(view: View, signal: AbortSignal): Promise<Sighting[]> {
  const seen: Sighting[] = [];
  while (!signal.aborted) {
    const entry = await view.kv.get('leases', CONTROLLER_LEASE).catch(() => undefined);
    const lease = entry?.value;
    if (lease != null) seen.push({ atMs: Date.now(), token: lease.token, holder: lease.holder });
    await pause(LOOK_EVERY_MS);
  }
  return seen;
}

const on = (node: LabNode, instances: readonly Instance[]): Instance =>
  instances.find((one) => one.node === node.name)!;

test(
  'one controller decides at a time, nothing is lost, and what is exclusive stops before it starts elsewhere',
  withEvidence('partition of the leader', async (lab) => {
    const cut = await leaderOf(lab);
    const witness = lab.nodes.find(({ name }) => name !== cut.name)!;
    for (const workload of [WEB, SOLO]) await applyWeb(witness, workload);
    const web = await untilServing(witness, WEB);
    const solo = await untilServing(witness, SOLO);
    const views = await Promise.all(lab.nodes.map((node) => View.open(node)));
    const over = new AbortController();
    try {
      const lease = await eventually('the lease is read', () => views[0]!.kv.get('leases', CONTROLLER_LEASE));
      const token = lease.value!.token;
      const watching = views.map((view) => watchLease(view, over.signal));

      const cutAtMs = Date.now();
      await cut.partition();
      const refused = volt(cut, ['deploy', 'scale', 'web', '7']);
      const movedSolo = await untilServing(witness, SOLO, MOVED_MS_MAX);
      const movedWeb = await untilServing(witness, WEB);
      // Not exclusive: it serves on, although another copy of it has begun elsewhere.
      const isolated = on(cut, web);
      expect(await running(cut)).toEqual([isolated.name]);
      expect(await pageOf(cut, isolated.address!)).toBe(`${isolated.name} blue\n`);
      expect(AWAY_EXITS).toContain((await refused).code);
      over.abort();
      const sightings = new Map((await Promise.all(watching)).map((seen, index) => [views[index]!.node.name, seen]));
      await expectOneLeader(lab, cut, { token, cutAtMs, sightings });
      const target = movedSolo.find(({ name }) => name === on(cut, solo).name)!;
      await expectNoOverlap(cut, lab.node(target.node), target.name, cutAtMs);

      await cut.heal();
      await expectWhole(lab, witness, [...movedWeb, ...movedSolo]);
      expect(await decisionsOf(cut, cutAtMs)).toEqual([]);
    } finally {
      over.abort();
      await Promise.all(views.map((view) => view.close()));
    }
  }),
);

const decisionsOf = async (node: LabNode, sinceMs: number): Promise<LogEntry[]> =>
  (await controllerLog(node, sinceMs)).filter(({ sentence }) => sentence === 'Decided');

interface Reign {
  readonly token: number;
  readonly cutAtMs: number;
  /** By the node they were seen from. */
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
}

/** The side that was cut off sees nobody after itself; the other has one leader, with a higher token. */
async function expectOneLeader(lab: Lab, cut: LabNode, { token, cutAtMs, sightings }: Reign): Promise<void> {
  const holders = new Set<string | null>();
  for (const [name, seen] of sightings) {
    const tokens = seen.map((sighting) => sighting.token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    if (name === cut.name) expect(tokens.filter((other) => other !== token)).toEqual([]);
    else expect(tokens.at(-1)).toBeGreaterThan(token);
    for (const { holder } of seen.filter((sighting) => sighting.token !== token)) holders.add(holder);
  }
  expect([holders.size, holders.has(cut.name)]).toEqual([1, false]);
  for (const node of lab.nodes) {
    const tokens = new Set((await decisionsOf(node, cutAtMs)).map((decision) => decision.token));
    const own = sightings.get(node.name)!.at(-1)!;
    expect(tokens).toEqual(new Set(holders.has(node.name) ? [own.token] : []));
  }
  const log = await controllerLog(cut, cutAtMs);
  expect(log.map(({ sentence }) => sentence)).toContain('No longer leading');
}

/** By the clock that both nodes share. */
async function expectNoOverlap(cut: LabNode, target: LabNode, name: string, cutAtMs: number): Promise<void> {
  const stopped = await momentsOf(cut, name, 'stopped', cutAtMs);
  const started = await momentsOf(target, name, 'starting', cutAtMs);
  expect([stopped.length, started.length]).toEqual([1, 1]);
  expect(stopped[0]).toBeLessThan(started[0]!);
  const [after, elsewhere] = [stopped[0]!, started[0]!].map((atMs) => ((atMs - cutAtMs) / 1000).toFixed(1));
  console.info(
    `Cut off ${cut.name}: ${name} stopped there after ${after} s, and started elsewhere after ${elsewhere} s`,
  );
}

/** All nodes are there again, nothing was lost, and nothing runs twice. */
async function expectWhole(lab: Lab, witness: LabNode, wanted: readonly Instance[]): Promise<void> {
  await untilReady(witness, lab.nodes.length);
  const names = wanted.map(({ name }) => name).toSorted();
  await eventually('every copy is there once', async () => {
    const found = (await Promise.all(lab.nodes.map(running))).flat().toSorted();
    if (found.join() !== names.join()) throw new Error(found.join());
    return true;
  });
  for (const workload of ['web', 'solo']) {
    const kept = wanted.filter((instance) => instance.workload === workload);
    expect(await instancesOf(witness, workload)).toEqual(kept);
  }
}

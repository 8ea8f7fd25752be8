/**
 * Nodes that are taken out of a cluster, and others that take their place.
 * They have a lab of their own, because the other scenarios' nodes are members
 * for good.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCode } from '@volt/shared/errors';
import { eventually, installAgent, joinCluster, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { EVIDENCE_DIR, openTestLab } from '../lab/testing.ts';
import { serversOf, View } from './cluster-view.ts';
import { applyWeb, importWeb, instancesOf, running, untilServing } from './cluster-web.ts';

const WEB = { name: 'web', replicas: 3 };
const REPLACED_MS_MAX = 60_000;
const TIMEOUT_MS = 300_000;

let lab: Lab;
let first: LabNode;
let second: LabNode;
let third: LabNode;
let fourth: LabNode;

beforeAll(async () => {
  const main = await openTestLab();
  lab = await openLab({ name: `${main.name}-nodes`, nodes: 4 });
  await lab.down();
  await lab.up({ binary: join(main.paths.bin, 'volt') });
  await Promise.all(lab.nodes.map(installAgent));
  [first, second, third, fourth] = lab.nodes as [LabNode, LabNode, LabNode, LabNode];
  await voltText(first, ['cluster', 'init', '--address', first.address]);
  await eventually('its agent is back as a member', async () => (await clusterOf(first)) !== null);
  for (const node of [second, third]) await joinCluster(first, node);
  await untilReady(first, 3);
  await untilWhole();
  for (const node of lab.nodes) await importWeb(node);
  await applyWeb(first, WEB);
  await untilServing(first, WEB);
});

afterAll(async () => lab.down());

const withEvidence = (body: () => Promise<void>) => async () => {
  try {
    await body();
  } catch (error) {
    await lab.collectEvidence(join(EVIDENCE_DIR, 'nodes-that-go'));
    throw error;
  }
};

/** Three servers of NATS that all do their part, and everything on each of them. */
async function untilWhole(): Promise<void> {
  await eventually(
    'three servers are counted on, and all are current',
    async () => {
      const servers = await serversOf(first);
      return servers !== undefined && servers.size === 3 && servers.current.length === 3;
    },
    REPLACED_MS_MAX,
  );
  const view = await View.open(first);
  try {
    await view.untilCopied(3);
  } finally {
    await view.close();
  }
}

const namesOf = async (): Promise<string[]> =>
  (await voltJson<{ name: string }[]>(first, ['node', 'list'])).map(({ name }) => name).toSorted();

async function clusterOf(node: LabNode): Promise<string | null> {
  type Info = { cluster: string | null };
  const [info] = [await voltJson<Info | [Info]>(node, ['system', 'info'])].flat();
  return info!.cluster;
}

async function expectRefused(args: readonly string[], words: RegExp): Promise<void> {
  const { code, stderr } = await volt(first, args);
  expect(stderr).toMatch(words);
  expect(code).toBe(exitCode('CONFLICT'));
}

test(
  'a node that is alive and runs something is not deleted by mistake, nor is the controller that was asked',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await expectRefused(['node', 'delete', third.name], /alive and runs 1 instance/);
    await expectRefused(['node', 'delete', first.name, '--force'], /is the controller that was asked/);
    await expectRefused(['cluster', 'leave'], /counts on node/);
    expect(await voltJson(first, ['node', 'delete', 'nobody'])).toEqual({ name: 'nobody', deleted: false });
    expect(await namesOf()).toEqual([first, second, third].map(({ name }) => name));
  }),
);

test(
  'a dead controller is deleted and replaced: three servers, and three copies of everything',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await third.powerLoss();
    await untilServing(first, WEB, REPLACED_MS_MAX);
    await voltText(first, ['node', 'delete', third.name]);
    expect(await namesOf()).toEqual([first.name, second.name]);
    await expectRefused(['node', 'delete', second.name, '--force'], /too few to decide/);
    await joinCluster(first, fourth);
    await untilReady(first, 3);
    await untilWhole();
    expect(await serversOf(first)).toMatchObject({ size: 3 });
  }),
);

test(
  'a deleted machine that comes back is refused, until it forgets its cluster and joins like any other',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await third.boot();
    await eventually('its agent answers', async () => (await volt(third, ['system', 'info'])).code === 0);
    await third.sh('systemctl is-active volt-nats volt-controller || true; sleep 10');
    // Its own controller has no majority; the others do not know it.
    expect(await namesOf()).toEqual([first, second, fourth].map(({ name }) => name));
    expect((await serversOf(first))?.size).toBe(3);
    expect(await third.sh('ss -Htn state established "( dport = :6222 or sport = :6222 )"')).toBe('');
    await third.sh('systemctl stop volt-controller volt-nats');
    expect((await volt(third, ['node', 'list'])).code).toBe(exitCode('PERMISSION'));

    await voltText(third, ['cluster', 'leave', '--force']);
    await eventually('it is in no cluster, and runs nothing of it', async () => {
      return (await clusterOf(third)) === null && (await running(third)).length === 0;
    });
    expect(await third.sh('ls /etc/volt')).not.toContain('cluster');
    await joinCluster(first, third);
    await untilReady(first, 4);
    await untilServing(first, WEB);
  }),
);

test(
  'a node that is alive is told to leave: others run what it ran, and it keeps none of it',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await applyWeb(first, { ...WEB, nodes: [third.name], name: 'pinned', replicas: 1 });
    await untilServing(first, { name: 'pinned', replicas: 1 });
    await applyWeb(first, { ...WEB, name: 'pinned', replicas: 1 });
    await voltText(first, ['node', 'delete', third.name, '--force']);
    expect(await namesOf()).toEqual([first, second, fourth].map(({ name }) => name));
    const moved = await untilServing(first, { name: 'pinned', replicas: 1 }, REPLACED_MS_MAX);
    expect(moved.map(({ node }) => node)).not.toContain(third.name);
    expect((await instancesOf(first, 'web')).map(({ node }) => node)).not.toContain(third.name);
    await eventually('it is in no cluster, and runs nothing of it', async () => {
      return (await clusterOf(third)) === null && (await running(third)).length === 0;
    });
    expect(await voltJson(first, ['node', 'delete', third.name])).toEqual({ name: third.name, deleted: false });
  }),
);

/** Losing nodes, and losing the control plane, while workloads run. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { CONTROLLER_LEASE } from '@volt/shared/kv';
import { eventually, formCluster, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import type { Lab, LabNode } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { applyWeb, importWeb, instancesOf, mend, pageOf, running, tracesOf, untilServing } from './cluster-web.ts';
import { leaderOf, untilCopied, View } from './cluster-view.ts';

const WEB = { name: 'web', replicas: 3 };
const REPLACED_MS_MAX = 30_000;
/** TIMEOUT or NETWORK: the cluster cannot be asked. */
const AWAY_EXITS = [7, 8];

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  for (const node of lab.nodes) await importWeb(node);
  await untilCopied(lab);
});

afterEach(async () => mend(await openTestLab()));

/** Ends the node, waits for its replacement, boots it again, and looks for what is there twice. */
async function loseNode(lab: Lab, lost: LabNode): Promise<void> {
  const witness = lab.nodes.find(({ name }) => name !== lost.name)!;
  await applyWeb(witness, WEB);
  const before = await untilServing(witness, WEB);
  const moved = before.find(({ node }) => node === lost.name)!;

  const lostAt = Date.now();
  await lost.powerLoss();
  const after = await untilServing(witness, WEB, REPLACED_MS_MAX);
  const tookMs = Date.now() - lostAt;
  console.info(
    `The replacement of ${moved.name} served ${(tookMs / 1000).toFixed(1)} s after the loss of ${lost.name}`,
  );
  expect(tookMs).toBeLessThan(REPLACED_MS_MAX);
  const kept = before.filter(({ node }) => node !== lost.name);
  expect(after).toEqual(expect.arrayContaining(kept));
  expect(after.find(({ name }) => name === moved.name)!.node).not.toBe(lost.name);

  await lost.boot();
  await untilReady(witness, lab.nodes.length);
  await eventually('every copy is there once, and the old one has left no trace', async () => {
    const names = (await Promise.all(lab.nodes.map(running))).flat().toSorted();
    if (names.join() !== 'web-0,web-1,web-2') throw new Error(names.join());
    return (await tracesOf(lost, moved.name)) === '';
  });
  expect(await untilServing(witness, WEB)).toEqual(after);
}

test(
  'a node loses power: its replica is served by another within 30 s, and does not run twice when the node is back',
  withEvidence('loss of a node', async (lab) => {
    const leader = await leaderOf(lab);
    await loseNode(
      lab,
      lab.nodes.find(({ name }) => name !== leader.name)!,
    );
  }),
);

test(
  "the leader's node loses power: its replica is served by another within 30 s, and does not run twice afterwards",
  withEvidence('loss of the leader', async (lab) => loseNode(lab, await leaderOf(lab))),
);

test(
  'without a majority of NATS servers containers run on, nodes answer for themselves, and changes are refused',
  withEvidence('loss of the control plane', async (lab) => {
    const [one, ...others] = lab.nodes;
    await applyWeb(one!, WEB);
    const before = await untilServing(one!, WEB);
    const specs = await voltJson(one!, ['deploy', 'list']);
    const view = await View.open(one!);
    // Each bucket has a leader of its own, and each leader notices by itself.
    const reads = [
      async () => (await view.kv.get('leases', CONTROLLER_LEASE)) !== undefined,
      async () => (await view.kv.get('workloads', WEB.name)) !== undefined,
    ];
    for (const read of reads) await eventually('the cluster is read', read);
    try {
      for (const node of others) await node.sh('systemctl stop volt-nats');
      // Until the servers have noticed, a change is taken on and comes about later: its outcome is unknown.
      for (const read of reads) {
        await eventually('the cluster is away', () =>
          read().then(
            () => false,
            () => true,
          ),
        );
      }
      const manifest = JSON.stringify({ ...WEB, image: 'hello', replicas: 1 });
      const refused = await volt(one!, ['deploy', 'apply', '-f', '-'], { input: manifest });
      expect(AWAY_EXITS).toContain(refused.code);
      expect(refused.stderr).toMatch(/^error: .*the cluster/);
      expect(refused.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
      for (const { name, node, address } of before) {
        expect(await pageOf(one!, address!)).toBe(`${name} blue\n`);
        expect(await running(lab.node(node))).toEqual([name]);
        expect(await voltJson(lab.node(node), ['ps'])).toMatchObject([{ name, state: 'running' }]);
      }
    } finally {
      await view.close();
      for (const node of others) await node.sh('systemctl start volt-nats');
    }
    await untilReady(one!, lab.nodes.length);
    expect(await voltJson(one!, ['deploy', 'list'])).toEqual(specs);
    // The time of their start is the same: nobody touched them.
    expect(await instancesOf(one!, 'web')).toEqual(before);
    await voltText(one!, ['deploy', 'scale', 'web', '2']);
    await untilServing(one!, { ...WEB, replicas: 2 });
  }),
);

/** An exclusive workload on a node whose agent is dead, and stays so, while the machine runs and is cut off. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { formCluster } from '../cluster/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { applyWeb, importWeb, instancesOf, mend, running, untilServing } from './cluster-web.ts';
import { leaderOf, momentsOf, untilCopied } from './cluster-view.ts';

const SOLO = { name: 'solo', replicas: 3, exclusive: true };
const WEB = { name: 'web', replicas: 3 };
/** 20 s until the node has certainly stopped it, and a start. */
const MOVED_MS_MAX = 90_000;
/** Keeps systemd from starting the agent again. */
const NEVER = '/run/systemd/system/volt.service.d/never.conf';

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  for (const node of lab.nodes) await importWeb(node);
  await untilCopied(lab);
});

afterEach(async () => {
  const lab = await openTestLab();
  for (const node of lab.nodes) {
    await node.sh(`rm -f ${NEVER}; systemctl daemon-reload; systemctl start volt.socket volt.service`);
  }
  await mend(lab);
});

test(
  'it ends by itself before another node starts it, and what is not exclusive serves on',
  withEvidence('dead agent', async (lab) => {
    const leader = await leaderOf(lab);
    const witness = lab.nodes.find(({ name }) => name !== leader.name)!;
    for (const workload of [WEB, SOLO]) await applyWeb(witness, workload);
    await untilServing(witness, WEB);
    const before = await untilServing(witness, SOLO);
    const dead = lab.nodes.find(({ name }) => name !== witness.name && name !== leader.name)!;
    const victim = before.find(({ node }) => node === dead.name)!;
    const other = (await instancesOf(witness, WEB.name)).find(({ node }) => node === dead.name)!;

    const killedAtMs = Date.now();
    await dead.sh(`
      mkdir -p $(dirname ${NEVER})
      printf '[Unit]\\nConditionPathExists=/nonexistent\\n' > ${NEVER}
      systemctl daemon-reload
      systemctl kill --signal=KILL volt.service
      systemctl stop volt.socket`);
    await dead.partition();
    const moved = await untilServing(witness, SOLO, MOVED_MS_MAX);
    const target = moved.find(({ name }) => name === victim.name)!;
    expect(target.node).not.toBe(dead.name);
    expect((await dead.exec(['systemctl', 'is-active', 'volt.service'])).stdout.trim()).not.toBe('active');

    const stopped = await momentsOf(dead, victim.name, 'stopped', killedAtMs);
    const started = await momentsOf(lab.node(target.node), victim.name, 'starting', killedAtMs);
    expect([stopped.length, started.length]).toEqual([1, 1]);
    expect(stopped[0]).toBeLessThan(started[0]!);
    const [after, elsewhere] = [stopped[0]!, started[0]!].map((atMs) => ((atMs - killedAtMs) / 1000).toFixed(1));
    console.info(
      `The agent of ${dead.name} was killed: stopped there after ${after} s, started elsewhere after ${elsewhere} s`,
    );
    expect(await running(dead)).toEqual([other.name]);
  }),
);

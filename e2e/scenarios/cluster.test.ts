/** Workloads on a cluster of three nodes that all work: where they run, how they change, how they are reached. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { eventually, formCluster, voltJson, voltText } from '../cluster/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import {
  applyWeb,
  findImage,
  importWeb,
  instancesOf,
  mend,
  pageOf,
  running,
  tracesOf,
  untilServing,
} from './cluster-web.ts';

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  await importWeb(lab.node(1));
});

afterEach(async () => mend(await openTestLab()));

test(
  'three replicas run on three nodes, and every node and every container reaches each by its address',
  withEvidence('cluster spread', async (lab) => {
    const web = { name: 'web', replicas: 3 };
    await applyWeb(lab.node(1), web);
    const found = await untilServing(lab.node(1), web);
    expect(new Set(found.map(({ node }) => node)).size).toBe(3);
    for (const { name, node, address } of found) {
      expect(await running(lab.node(node))).toEqual([name]);
      for (const from of lab.nodes) expect(await pageOf(from, address!)).toBe(`${name} blue\n`);
    }
    const [first, ...others] = found;
    for (const { name, address } of others) {
      const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | socat -t2 - TCP:${address}:80,connect-timeout=2`;
      const answer = await voltText(lab.node(first!.node), ['exec', first!.name, '--', 'sh', '-c', ask]);
      expect(answer).toContain(`${name} blue`);
    }
  }),
);

test(
  'a workload grows, shrinks, is replaced when its spec changes, and is deleted without a trace',
  withEvidence('cluster changes', async (lab) => {
    const node = lab.node(1);
    await applyWeb(node, { name: 'web', replicas: 3 });
    const before = await untilServing(node, { name: 'web', replicas: 3 });
    const scale = async (replicas: number) => {
      await voltText(node, ['deploy', 'scale', 'web', String(replicas)]);
      return untilServing(node, { name: 'web', replicas });
    };
    const grown = await scale(5);
    expect(grown.slice(0, 3)).toEqual(before);
    expect(await scale(1)).toEqual(before.slice(0, 1));
    await eventually('four have gone from the nodes', async () => {
      return (await Promise.all(lab.nodes.map(running))).flat().join() === 'web-0';
    });

    await scale(2);
    const [{ generation }] = await voltJson<[{ generation: number }]>(node, ['deploy', 'list']);
    await applyWeb(node, { name: 'web', replicas: 2, colour: 'green' });
    await untilServing(node, { name: 'web', replicas: 2, colour: 'green' });
    const after = await voltJson<[{ generation: number; state: string }]>(node, ['deploy', 'list']);
    expect(after).toMatchObject([{ generation: generation + 1, state: 'ready' }]);
    await applyWeb(node, { name: 'web', replicas: 2, colour: 'green' });
    expect(await voltJson(node, ['deploy', 'list'])).toEqual(after);

    await voltText(node, ['deploy', 'delete', 'web']);
    await eventually('nothing is left of it', async () => {
      const traces = await Promise.all(lab.nodes.map((one) => tracesOf(one, 'web-')));
      if (traces.join('') !== '') throw new Error(traces.join('\n'));
      return (await voltJson<unknown[]>(node, ['deploy', 'list'])).length === 0;
    });
    expect(await voltJson(node, ['deploy', 'delete', 'web'])).toMatchObject({ deleted: false });
  }),
);

test(
  'an image that only one node has is fetched by the others when they need it, and when asked',
  withEvidence('cluster images', async (lab) => {
    const [one, two, three] = [lab.node(1), lab.node(2), lab.node(3)];
    const image = await importWeb(one, 'rare', String(Date.now()));
    expect([await findImage(two, 'rare'), await findImage(three, 'rare')]).toEqual([undefined, undefined]);

    const web = { name: 'rare-web', replicas: 1, image: 'rare', nodes: ['node2'] };
    await applyWeb(one, web);
    await untilServing(one, web);
    expect(await running(two)).toEqual(['rare-web-0']);
    expect(await findImage(two, 'rare')).toMatchObject({ digest: image.digest });
    expect(await findImage(three, 'rare')).toBeUndefined();

    await voltText(three, ['image', 'pull', 'rare']);
    expect(await findImage(three, 'rare')).toMatchObject({ digest: image.digest });
    await voltText(one, ['deploy', 'delete', 'rare-web']);
    await eventually('it is gone', async () => (await instancesOf(one, 'rare-web')).length === 0);
    for (const node of lab.nodes) await voltText(node, ['image', 'delete', 'rare']);
  }),
);

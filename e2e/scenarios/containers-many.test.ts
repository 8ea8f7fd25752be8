/** Many containers at once: each in its own place, and none in another's way. */
import { expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { BATCH_MAX } from '@volt/shared/wire';
import { volt, voltJson } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { holdings, idle, inside, inspect, onOneNode, run } from './one-node.ts';

const COUNT = 20;

const { image, scenario } = onOneNode('many');

interface Answer {
  readonly result?: readonly ContainerStatus[];
  readonly error?: object;
}

/** One method so many times, in one request. */
async function askAtOnce(node: LabNode, method: string, times: number): Promise<Answer[]> {
  const batch = Array.from({ length: times }, (_, id) => ({ jsonrpc: '2.0', id, method, params: {} }));
  const argv = ['curl', '-sS', '--unix-socket', '/run/volt/volt.sock', '-H', 'content-type: application/json'];
  const { stdout } = await node.exec([...argv, '-d', JSON.stringify(batch), 'http://volt/rpc']);
  return JSON.parse(stdout) as Answer[];
}

scenario('twenty are made at once, each with its own address and users, and deleted at once', async (node) => {
  const before = await holdings(node);
  const names = Array.from({ length: COUNT }, (_, index) => `many-${index}`);

  const made = await Promise.all(names.map((name) => run(node, name, image, idle)));
  expect(made.map(({ state }) => state)).toEqual(Array(COUNT).fill('running'));
  expect(new Set(made.map(({ address }) => address)).size).toBe(COUNT);
  const details = await Promise.all(names.map((name) => inspect(node, name)));
  expect(new Set(details.map(({ config }) => config.userns.base)).size).toBe(COUNT);
  expect(new Set(details.map(({ status }) => status.pid)).size).toBe(COUNT);
  for (const { address } of made) await node.sh(`ping -c1 -W2 ${address}`);
  const answers = await askAtOnce(node, 'container.list', BATCH_MAX);
  const counts = answers.map(
    ({ result, error }) =>
      error ?? result?.filter(({ name, state }) => names.includes(name) && state === 'running').length,
  );
  expect(counts).toEqual(Array(BATCH_MAX).fill(COUNT));
  await inside(node, 'many-0', `ping -c1 -W2 ${made.at(-1)!.address}`);

  const gone = await Promise.all(names.map((name) => voltJson<object>(node, ['container', 'delete', name, '--force'])));
  expect(gone).toEqual(names.map((name) => ({ name, deleted: true })));
  await eventually(async () => expect(await holdings(node)).toBe(before));
});

scenario('of ten that want one name, one gets it', async (node) => {
  const ten = Array.from({ length: 10 }, () => volt(node, ['-o', 'json', 'run', 'many-same', image, '--', ...idle]));
  const outcomes = await Promise.all(ten);
  expect(outcomes.map(({ code }) => code).sort()).toEqual([0, ...Array<number>(9).fill(4)]);
  const winner = JSON.parse(outcomes.find(({ code }) => code === 0)!.stdout) as ContainerStatus;
  expect((await inspect(node, 'many-same')).status).toEqual(winner);
});

scenario('what is asked of one container at once is done in turn', async (node) => {
  await run(node, 'many-turns', image, idle);
  const verbs = ['restart', 'stop', 'start', 'restart', 'stop', 'start', 'restart'];
  const outcomes = await Promise.all(verbs.map((verb) => volt(node, ['container', verb, 'many-turns'])));
  expect(outcomes.map(({ code, stderr }) => ({ code, stderr }))).toEqual(verbs.map(() => ({ code: 0, stderr: '' })));
  const { status } = await inspect(node, 'many-turns');
  expect(['running', 'stopped']).toContain(status.state);
  await voltJson(node, ['container', 'start', 'many-turns']);
  expect(await inside(node, 'many-turns', 'echo fine')).toBe('fine\n');
});

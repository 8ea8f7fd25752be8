/**
 * Many containers, one after another and a hundred at once: nothing of them is left, and the agent does not grow.
 *
 * VOLT_SOAK_CYCLES says how many are made and deleted; more is better and takes longer.
 */
import { expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { voltJson } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { agentUse, askAll, census } from './census.ts';
import { idle, onOneNode } from './one-node.ts';

const CYCLES = Number(process.env['VOLT_SOAK_CYCLES'] ?? 40);
const CYCLES_AT_ONCE = 4;
const WARM_UP_CYCLES = 16;
const TIME_PER_CYCLE_MS = 3000;

const HUNDRED = 100;
const ASKED_AT_ONCE = 32;
/** By which an agent may have grown: caches that fill up, and memory that it has yet to give back. */
const GROWTH_KIB_MAX = 48 * 1024;

const { image, scenario } = onOneNode('soak');

/** Of each kind that has something of its own to clear away. */
const kinds = [
  '',
  '--restart always --no-autostart',
  '--health-cmd env --health-interval 200ms --wait',
  '--memory 64M --ulimit nofile=100 --label soak=yes',
];

/** Made, used and deleted, so many, a few at a time. */
const cycle = (node: LabNode, count: number) =>
  node.sh(
    `kinds=(${kinds.map((kind) => `'${kind}'`).join(' ')})
one() {
  volt run "soak-$1" ${image} $2 -- ${idle.join(' ')} > /dev/null
  volt exec "soak-$1" -- env > /dev/null
  volt container delete "soak-$1" --force > /dev/null
}
export -f one
for at in $(seq ${count}); do printf '%s\\0%s\\0' "$at" "\${kinds[at % ${kinds.length}]}"; done |
  xargs -0 -P ${CYCLES_AT_ONCE} -n 2 bash -euo pipefail -c 'one "$@"' one`,
    { timeoutMs: count * TIME_PER_CYCLE_MS },
  );

scenario(
  `after ${CYCLES} containers were made and deleted the node and the agent are as they were`,
  async (node) => {
    await cycle(node, WARM_UP_CYCLES);
    await node.sh('sleep 6');
    const [before, used] = [await census(node), await agentUse(node)];
    const startedMs = performance.now();
    await cycle(node, CYCLES);
    const seconds = (performance.now() - startedMs) / 1000;
    await eventually(async () => expect(await census(node)).toEqual(before));
    await eventually(async () => expect((await agentUse(node)).openFiles).toBeLessThanOrEqual(used.openFiles));
    const after = await agentUse(node);
    console.info({ cycles: CYCLES, seconds: Math.round(seconds), used, after });
    expect(after.pid).toBe(used.pid);
    expect(after.threads).toBeLessThanOrEqual(used.threads);
    expect(after.memoryKiB - used.memoryKiB).toBeLessThan(GROWTH_KIB_MAX);
  },
  CYCLES * TIME_PER_CYCLE_MS + 120_000,
);

scenario('a hundred are made, started, listed, changed, stopped and deleted side by side', async (node) => {
  const before = await census(node);
  const names = Array.from({ length: HUNDRED }, (_, index) => `soak-${index}`);
  const took: Record<string, number> = {};
  const each = async (verb: string, params: object = {}) => {
    const startedMs = performance.now();
    const requests = names.map((name) => ({ method: `container.${verb}`, params: { name, ...params } }));
    const results = await askAll<ContainerStatus>(node, requests, ASKED_AT_ONCE);
    took[verb] = Math.round(performance.now() - startedMs);
    return results;
  };
  const list = async () => {
    const startedMs = performance.now();
    const all = await voltJson<ContainerStatus[]>(node, ['container', 'list']);
    took['list'] = Math.round(performance.now() - startedMs);
    return all.filter(({ name }) => name.startsWith('soak-'));
  };
  const states = async () => new Set((await list()).map(({ state }) => state));

  await each('create', { image, command: idle });
  expect(await states()).toEqual(new Set(['created']));
  await each('start');
  const running = await list();
  expect(running.length).toBe(HUNDRED);
  expect(new Set(running.map(({ state }) => state))).toEqual(new Set(['running']));
  expect(new Set(running.map(({ address }) => address)).size).toBe(HUNDRED);
  expect(new Set(running.map(({ pid }) => pid)).size).toBe(HUNDRED);
  await each('update', { pids: 100 });
  expect((await list()).map(({ pid }) => pid)).toEqual(running.map(({ pid }) => pid));
  await each('stop');
  expect(await states()).toEqual(new Set(['stopped']));
  await each('delete');
  expect(await list()).toEqual([]);
  console.info({ milliseconds: took });
  await eventually(async () => expect(await census(node)).toEqual(before));
});

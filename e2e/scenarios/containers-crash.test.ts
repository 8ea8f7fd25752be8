/**
 * An agent that is killed at every step of making, starting and deleting a
 * container: the next one finishes or undoes it, and nothing is left over.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode, Outcome } from '../lab/index.ts';
import { eventually, openTestLab } from '../lab/testing.ts';
import { census, type Census } from './census.ts';
import { idle, inside, onOneNode } from './one-node.ts';

const { image, scenario } = onOneNode('crash');

const FAULTS = '/run/volt-faults';
const DROP_IN = '/run/systemd/system/volt.service.d/faults.conf';
/** More than any of them has steps. */
const STEPS_MAX = 200;
const TIME_MS = 20 * 60_000;

const NAME = 'crash-a';
/** Without a check of health: nothing but what is asked of it may call its host, or steps would be skipped. */
const flags = ['--restart', 'always', '--memory', '64M', '--env', 'KEY=value'];

const theNode = async () => (await openTestLab()).node(1);

beforeAll(async () => {
  const node = await theNode();
  await node.writeFile(DROP_IN, `[Service]\nEnvironment=VOLT_FAULTS=${FAULTS}\nRestartSec=20ms\n`);
  await node.sh('systemctl daemon-reload && systemctl restart volt.service');
});
afterAll(async () => {
  const node = await theNode();
  await node.sh(`rm -f ${DROP_IN} ${FAULTS}*; systemctl daemon-reload; systemctl restart volt.service`);
});

const names = async (node: LabNode) =>
  (await voltJson<ContainerStatus[]>(node, ['container', 'list'])).map(({ name }) => name);

const answers = (node: LabNode) => eventually(async () => (await volt(node, ['system', 'info'])).code === 0);

const create = (node: LabNode) => volt(node, ['container', 'create', NAME, image, ...flags, '--', ...idle]);

/** Undefined when the agent lived through it; otherwise at which call it died. */
async function killedAt(node: LabNode, step: number, act: () => Promise<Outcome>): Promise<string | undefined> {
  await node.sh(`rm -f ${FAULTS}*; echo ${step} > ${FAULTS}`);
  const { code, stderr } = await act();
  const died = await node.sh(`rm -f ${FAULTS} ${FAULTS}.taken; cat ${FAULTS}.died 2> /dev/null || :`);
  await answers(node);
  if (died !== '') return died.trim();
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return undefined;
}

/** Kills the agent at each step of an act in turn, and looks at what the next one makes of it. */
async function atEveryStep(
  node: LabNode,
  {
    before = async () => {},
    act,
    after,
  }: { before?: () => Promise<void>; act: () => Promise<Outcome>; after: (died: string) => Promise<void> },
): Promise<string[]> {
  const deaths: string[] = [];
  // What containers stand on is made once for each image.
  expect((await create(node)).code).toBe(0);
  await voltText(node, ['container', 'delete', NAME]);
  const whole = await census(node);
  for (let step = 1; step <= STEPS_MAX; step++) {
    await before();
    const died = await killedAt(node, step, act);
    await after(died ?? 'not killed');
    if ((await names(node)).includes(NAME)) await voltText(node, ['container', 'delete', NAME, '--force']);
    await eventually(async () => expect(await census(node), died).toEqual<Census>(whole));
    if (died === undefined) return deaths;
    deaths.push(died);
  }
  throw new Error(`There are more than ${STEPS_MAX} steps; the last one was ${deaths.at(-1)}`);
}

/** Whatever there is of it can be used. */
async function runs(node: LabNode, died: string): Promise<void> {
  const { code, stderr } = await volt(node, ['container', 'start', NAME]);
  expect({ code, stderr }, died).toEqual({ code: 0, stderr: '' });
  expect(await inside(node, NAME, 'echo $KEY'), died).toBe('value\n');
}

scenario(
  'one that is being made is there and can be started, or is not there at all',
  async (node) => {
    const seen = new Set<boolean>();
    const deaths = await atEveryStep(node, {
      act: () => create(node),
      after: async (died) => {
        const isThere = (await names(node)).includes(NAME);
        seen.add(isThere);
        if (isThere) await runs(node, died);
      },
    });
    console.info({ create: deaths.length });
    expect(deaths.length).toBeGreaterThan(20);
    expect(seen.size).toBe(2);
  },
  TIME_MS,
);

scenario(
  'one that is being started can be started again',
  async (node) => {
    const deaths = await atEveryStep(node, {
      before: async () => expect((await create(node)).code).toBe(0),
      act: () => volt(node, ['container', 'start', NAME]),
      after: (died) => runs(node, died),
    });
    console.info({ start: deaths.length });
    expect(deaths.some((death) => death.startsWith('during systemd.start'))).toBe(true);
  },
  TIME_MS,
);

scenario(
  'one that is being deleted is gone, or is there and can be used',
  async (node) => {
    const seen = new Set<boolean>();
    const deaths = await atEveryStep(node, {
      before: async () => {
        expect((await create(node)).code).toBe(0);
        await voltText(node, ['container', 'start', NAME]);
      },
      act: () => volt(node, ['container', 'delete', NAME, '--force']),
      after: async (died) => {
        const isThere = (await names(node)).includes(NAME);
        seen.add(isThere);
        if (isThere) await runs(node, died);
      },
    });
    console.info({ delete: deaths.length });
    expect(deaths.some((death) => death.startsWith('during systemd.stop'))).toBe(true);
    expect(seen.size).toBe(2);
  },
  TIME_MS,
);

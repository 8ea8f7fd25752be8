/** Containers outlive the agent, and come back with their node. */
import { describe, expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { idle, inside, inspect, onOneNode, run, whileDown } from './one-node.ts';

/** The last node: nothing of a cluster's beginnings is on it. */
const { image, scenario } = onOneNode('stay', 3);

const agentPid = async (node: LabNode) => Number(await node.sh('systemctl show -p MainPID --value volt.service'));

const answers = async (node: LabNode) => (await volt(node, ['system', 'info'])).code === 0;

describe('without the agent', () => {
  scenario('a container runs on while the agent is stopped, and is known when it is back', async (node) => {
    const before = await run(node, 'stay-stop', image, idle);
    await whileDown(node, async () => {
      expect(await agentPid(node)).toBe(0);
      await node.sh(`kill -0 ${before.pid}; ping -c1 -W2 ${before.address}`);
    });
    expect((await inspect(node, 'stay-stop')).status).toEqual(before);
  });

  scenario('a crash of the agent harms none, and systemd brings the agent back', async (node) => {
    const before = await run(node, 'stay-crash', image, idle);
    const crashed = await agentPid(node);
    await node.sh(`kill -KILL ${crashed}`);
    await eventually(async () => (await agentPid(node)) !== crashed && (await answers(node)));
    expect(await agentPid(node)).not.toBe(0);
    expect((await inspect(node, 'stay-crash')).status).toEqual(before);
    expect(await inside(node, 'stay-crash', 'echo fine')).toBe('fine\n');
  });

  scenario('a start that the agent’s death cut short can be repeated, or deleted', async (node) => {
    const cut = volt(node, ['run', 'stay-cut', image, '--', ...idle]);
    await eventually(async () => (await node.exec(['test', '-e', '/var/lib/volt/containers/stay-cut'])).code === 0, {
      intervalMs: 1,
    });
    await node.sh(`kill -KILL ${await agentPid(node)}`);
    await cut;
    await eventually(() => answers(node));
    const all = await voltJson<ContainerStatus[]>(node, ['container', 'list']);
    const known = all.some(({ name }) => name === 'stay-cut');
    if (known) await voltText(node, ['container', 'start', 'stay-cut']);
    else await run(node, 'stay-cut', image, idle);
    expect(await inside(node, 'stay-cut', 'echo fine')).toBe('fine\n');
  });
});

describe('a node that boots', () => {
  scenario('starts its containers without the agent, but for those that are not to', async (node) => {
    await run(node, 'stay-boot', image, idle);
    await run(node, 'stay-not', image, { command: idle, flags: ['--no-autostart'] });
    await inside(node, 'stay-boot', 'echo mine > /kept');
    const { config } = await inspect(node, 'stay-boot');
    try {
      await node.sh('systemctl disable --quiet volt.socket volt.service');
      await node.reboot();
      await eventually(() => node.sh('systemctl is-active volt-container@stay-boot'));
      expect(await agentPid(node)).toBe(0);
      expect((await node.exec(['systemctl', 'is-active', 'volt-container@stay-not'])).code).not.toBe(0);
      await eventually(() => node.sh(`ping -c1 -W1 ${config.network.address}`));
    } finally {
      await node.sh('systemctl enable --now --quiet volt.socket volt.service');
    }
    expect((await inspect(node, 'stay-boot')).status.state).toBe('running');
    expect(await inside(node, 'stay-boot', 'cat /kept')).toBe('mine\n');
    expect((await inspect(node, 'stay-not')).status.state).toBe('stopped');
    await voltText(node, ['container', 'start', 'stay-not']);
  });

  scenario('starts them after a power loss as well, with the agent', async (node) => {
    const before = await run(node, 'stay-power', image, idle);
    await node.powerLoss();
    await node.boot();
    await eventually(() => answers(node));
    await eventually(async () => (await inspect(node, 'stay-power')).status.state === 'running');
    expect((await inspect(node, 'stay-power')).status.address).toBe(before.address);
    expect(await inside(node, 'stay-power', 'echo fine')).toBe('fine\n');
  });
});

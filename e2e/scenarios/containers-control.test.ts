/** Holding containers still, signalling them, waiting for them, looking into them, clearing them away. */
import { describe, expect } from 'vitest';
import type { ContainerProcess, ContainerStatus, ContainerUsage } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { idle, inspect, onOneNode, run, tell, whileDown } from './one-node.ts';

const { image, scenario } = onOneNode('hold');

const control = (node: LabNode, ...words: string[]) => voltJson<ContainerStatus>(node, ['container', ...words]);
const UNTIL_TOLD = 'until [ -e /go ]; do sleep 0.02; done';

describe('signals', () => {
  scenario('KILL ends a container for good; another signal is its program’s', async (node) => {
    const program = 'trap ": > /heard" HUP; while :; do sleep 0.02; done';
    await run(node, 'hold-a', image, { command: ['bash', '-c', program], flags: ['--restart', 'always'] });
    expect(await control(node, 'kill', 'hold-a', '--signal', 'SIGHUP')).toMatchObject({ state: 'running' });
    const root = '/var/lib/volt/containers/hold-a/rootfs';
    await eventually(async () => (await node.exec(['test', '-e', `${root}/heard`])).code === 0);
    expect(await control(node, 'kill', 'hold-a')).toMatchObject({ state: 'stopped', exitCode: 137, reason: null });
    expect(await volt(node, ['container', 'kill', 'hold-a'])).toMatchObject({ code: 9 });
  });

  scenario('a paused container stands still, and can be resumed, stopped and deleted', async (node) => {
    await run(node, 'hold-b', image, ['bash', '-c', 'while :; do echo x >> /beats; sleep 0.02; done']);
    expect(await control(node, 'pause', 'hold-b')).toMatchObject({ state: 'paused', pid: expect.any(Number) });
    const beats = () => node.sh('wc -c < /var/lib/volt/containers/hold-b/rootfs/beats');
    const before = await beats();
    await node.sh('sleep 0.2');
    expect(await beats()).toBe(before);
    expect(await control(node, 'resume', 'hold-b')).toMatchObject({ state: 'running' });
    await eventually(async () => (await beats()) !== before);
    await control(node, 'pause', 'hold-b');
    expect(await control(node, 'stop', 'hold-b')).toMatchObject({ state: 'stopped' });
    await control(node, 'start', 'hold-b');
    await control(node, 'pause', 'hold-b');
    await voltText(node, ['container', 'delete', 'hold-b', '--force']);
  });

  scenario('a program is asked to end with the signal that was chosen', async (node) => {
    const program = 'trap "exit 5" INT; : > /ready; while :; do sleep 0.02; done';
    await run(node, 'hold-c', image, { command: ['bash', '-c', program], flags: ['--stop-signal', 'SIGINT'] });
    await eventually(async () => (await volt(node, ['exec', 'hold-c', '--', 'ls', '/ready'])).code === 0);
    expect(await control(node, 'stop', 'hold-c')).toMatchObject({ state: 'stopped', exitCode: 5 });
  });

  scenario('the grace of a container is its own', async (node) => {
    const deaf = ['bash', '-c', 'trap "" TERM; : > /ready; while :; do sleep 0.1; done'];
    await run(node, 'hold-d', image, { command: deaf, flags: ['--stop-timeout', '0'] });
    await eventually(async () => (await volt(node, ['exec', 'hold-d', '--', 'ls', '/ready'])).code === 0);
    const before = Date.now();
    expect(await control(node, 'stop', 'hold-d')).toMatchObject({ state: 'stopped', exitCode: 137 });
    expect(Date.now() - before).toBeLessThan(9000);
  });
});

describe('ends', () => {
  scenario('wait ends when the container does, with its exit code', async (node) => {
    await run(node, 'hold-job', image, ['sh', '-c', `${UNTIL_TOLD}; exit 42`]);
    const waiting = volt(node, ['container', 'wait', 'hold-job']);
    await tell(node, 'hold-job', '/go');
    expect(await waiting).toMatchObject({ code: 42, stdout: '' });
    expect((await volt(node, ['container', 'wait', 'hold-none'])).code).toBe(3);
  });

  scenario('one that was run with --rm is gone after its end, with its files', async (node) => {
    await run(node, 'hold-rm', image, { command: ['sh', '-c', `${UNTIL_TOLD}; exit 7`], flags: ['--rm'] });
    const waiting = volt(node, ['container', 'wait', 'hold-rm']);
    await tell(node, 'hold-rm', '/go');
    expect((await waiting).code).toBe(7);
    await eventually(async () => (await node.exec(['test', '-e', '/var/lib/volt/containers/hold-rm'])).code === 1);
  });

  scenario('one that keeps failing is seen to, and is given up as often as was said', async (node) => {
    await run(node, 'hold-loop', image, {
      command: ['sh', '-c', 'sleep 0.2; exit 3'],
      flags: ['--restart', 'on-failure:1'],
    });
    await eventually(async () => {
      const { status } = await inspect(node, 'hold-loop');
      return (
        status.state === 'starting' && status.exitCode === 3 && status.reason?.startsWith('keeps ending: exit code 3')
      );
    });
    await eventually(async () => (await inspect(node, 'hold-loop')).status.state === 'failed');
    const { status } = await inspect(node, 'hold-loop');
    expect(status).toMatchObject({ exitCode: 3, restarts: 1, reason: 'exit code 3, restarted once' });
  });

  scenario('prune deletes what has ended, and tells before', async (node) => {
    await run(node, 'hold-done', image, idle);
    await control(node, 'stop', 'hold-done');
    const names = async (...flags: string[]) =>
      (await voltJson<ContainerStatus[]>(node, ['container', 'prune', ...flags])).map(({ name }) => name);
    expect(await names('--dry-run')).toContain('hold-done');
    expect(await volt(node, ['container', 'prune'])).toMatchObject({ code: 2 });
    expect(await names('--yes')).toContain('hold-done');
    expect(await volt(node, ['container', 'inspect', 'hold-done'])).toMatchObject({ code: 3 });
  });
});

describe('names', () => {
  scenario('a stopped container is given another name, and keeps its files and its address', async (node) => {
    const { address } = await run(node, 'hold-old', image, idle);
    await tell(node, 'hold-old', '/kept');
    expect(await volt(node, ['container', 'rename', 'hold-old', 'hold-new'])).toMatchObject({ code: 9 });
    await control(node, 'stop', 'hold-old');
    expect(await control(node, 'rename', 'hold-old', 'hold-new')).toMatchObject({ name: 'hold-new', state: 'stopped' });
    expect(await control(node, 'start', 'hold-new')).toMatchObject({ state: 'running', address });
    expect((await volt(node, ['exec', 'hold-new', '--', 'ls', '/kept'])).code).toBe(0);
    expect((await node.sh('ls -d /etc/systemd/system/*hold-old* || :')).trim()).toBe('');
    expect((await volt(node, ['container', 'inspect', 'hold-old'])).code).toBe(3);
  });
});

describe('looking', () => {
  scenario('top tells what runs inside, as it is numbered there', async (node) => {
    await run(node, 'hold-top', image, ['bash', '-c', 'sleep 1000 & sleep 1001']);
    await eventually(async () => {
      const rows = await voltJson<ContainerProcess[]>(node, ['container', 'top', 'hold-top']);
      const program = rows.find(({ command }) => command === 'sleep 1000');
      return rows[0]?.pid === 1 && program !== undefined && program.user === 0 && program.pid < 100;
    });
  });

  scenario('stats tell what is used, with the agent and without it', async (node) => {
    await run(node, 'hold-use', image, ['bash', '-c', 'while :; do :; done']);
    const ask = async () => {
      const rows = await voltJson<(ContainerUsage & { cpuPercent: number })[]>(node, [
        'top',
        'hold-use',
        '--no-stream',
      ]);
      return rows[0]!;
    };
    expect((await ask()).cpuPercent).toBeGreaterThan(1);
    await whileDown(node, async () => expect((await ask()).cpuPercent).toBeGreaterThan(1));
  });
});

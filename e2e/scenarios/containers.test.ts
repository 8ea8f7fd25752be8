/** The life of a container on one node, as its owner sees it. */
import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { holdings, idle, inside, inspect, onOneNode, run, tell } from './one-node.ts';

const { image, scenario } = onOneNode('life');

/** For a container whose log is read from its beginning: the journal remembers all that had the same name. */
const unheardOf = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;

interface Row {
  readonly name: string;
  readonly state: string;
  readonly address: string;
}

/** Its unit still has to clear away after the program has ended; until then it is stopping. */
const onceEnded = (node: LabNode, name: string) =>
  eventually(async () => {
    const { status } = await inspect(node, name);
    return !['running', 'stopping'].includes(status.state) && status;
  });

describe('states', () => {
  scenario('a container is created, started, stopped, started again and deleted', async (node) => {
    const stateInPs = async () => {
      const rows = await voltJson<Row[]>(node, ['ps', '--host', '/run/volt/volt.sock']);
      return rows.find(({ name }) => name === 'life-a')?.state;
    };
    const created = await voltJson<ContainerStatus>(node, ['container', 'create', 'life-a', image, '--', ...idle]);
    expect(created).toMatchObject({ state: 'created', pid: null, exitCode: null, startedAt: null });
    expect(await stateInPs()).toBe('created');

    const started = await voltJson<ContainerStatus>(node, ['container', 'start', 'life-a']);
    expect(started).toMatchObject({ state: 'running', exitCode: null });
    expect((await node.sh(`tr '\\0' ' ' < /proc/${started.pid}/cmdline`)).trim()).toContain('sleep infinity');
    expect(await stateInPs()).toBe('running');
    const again = await voltJson<ContainerStatus>(node, ['container', 'start', 'life-a']);
    expect(again.pid).toBe(started.pid);

    const stopped = await voltJson<ContainerStatus>(node, ['container', 'stop', 'life-a']);
    expect(stopped).toMatchObject({ state: 'stopped', pid: null, exitCode: 143, reason: null });
    expect((await inspect(node, 'life-a')).status).toEqual(stopped);
    expect(await stateInPs()).toBe('stopped');

    await voltText(node, ['container', 'start', 'life-a']);
    const restarted = await voltJson<ContainerStatus>(node, ['container', 'restart', 'life-a']);
    expect(restarted.state).toBe('running');
    expect(restarted.pid).not.toBe(started.pid);

    await voltText(node, ['container', 'delete', 'life-a', '--force']);
    expect(await stateInPs()).toBeUndefined();
  });

  scenario('the exit code of a program is its container’s', async (node) => {
    await run(node, 'life-code', image, ['sh', '-c', 'until [ -e /go ]; do sleep 0.02; done; exit 42']);
    await tell(node, 'life-code', '/go');
    const failed = await onceEnded(node, 'life-code');
    expect(failed).toMatchObject({ state: 'failed', exitCode: 42, reason: 'exit code 42' });

    await run(node, 'life-well', image, ['sh', '-c', 'until [ -e /go ]; do sleep 0.02; done']);
    await tell(node, 'life-well', '/go');
    const ended = await onceEnded(node, 'life-well');
    expect(ended).toMatchObject({ state: 'stopped', exitCode: 0, reason: null });
  });

  scenario('a program that is not there fails the start, with the reason', async (node) => {
    const { code, stdout, stderr } = await volt(node, ['run', 'life-none', image, '--', '/bin/nosuch']);
    expect({ code, stdout }).toEqual({ code: 10, stdout: '' });
    expect(stderr).toMatch(/^error: Container 'life-none' did not start: exit code 127\n.*No such file/);
    expect((await inspect(node, 'life-none')).status).toMatchObject({ state: 'failed', exitCode: 127 });
  });

  scenario('with --restart always it comes back when it ends, and not when it is stopped', async (node) => {
    const name = unheardOf('life-again');
    const program = ['sh', '-c', 'echo turn; until [ -e /go ]; do sleep 0.02; done; rm /go; exit 3'];
    const first = await run(node, name, image, { command: program, flags: ['--restart', 'always'] });
    await tell(node, name, '/go');
    await eventually(async () => {
      const { status } = await inspect(node, name);
      return status.state === 'running' && status.pid !== first.pid;
    });
    await eventually(async () => (await voltText(node, ['logs', name])).match(/^turn$/gm)?.length === 2);
    await voltText(node, ['container', 'stop', name]);
    expect((await inspect(node, name)).status).toMatchObject({ state: 'stopped', reason: null });
    expect((await node.sh(`systemctl show -p SubState --value volt-container@${name}`)).trim()).toBe('dead');
  });
});

describe('stopping', () => {
  scenario('TERM comes first, and a program that heeds it ends within the grace', async (node) => {
    const program = 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.02; done';
    await run(node, 'life-polite', image, ['bash', '-c', program]);
    await eventually(async () => (await voltText(node, ['logs', 'life-polite'])).includes('ready'));
    const before = Date.now();
    const stopped = await voltJson<ContainerStatus>(node, ['container', 'stop', 'life-polite', '--grace', '60']);
    expect(stopped).toMatchObject({ state: 'stopped', exitCode: 0 });
    expect(Date.now() - before).toBeLessThan(30_000);
    await eventually(async () => (await voltText(node, ['logs', 'life-polite'])).includes('bye'));
  });

  scenario('one that is deaf is killed when the grace is over', async (node) => {
    await run(node, 'life-deaf', image, ['bash', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done']);
    await eventually(async () => (await voltText(node, ['logs', 'life-deaf'])).includes('ready'));
    const before = Date.now();
    const stopped = await voltJson<ContainerStatus>(node, ['container', 'stop', 'life-deaf', '--grace', '1']);
    expect(Date.now() - before).toBeGreaterThanOrEqual(1000);
    expect(Date.now() - before).toBeLessThan(15_000);
    expect(stopped).toMatchObject({ state: 'stopped', exitCode: 137, pid: null });
  });
});

describe('logs', () => {
  scenario('what it prints is kept, and followed as it comes', async (node) => {
    const name = unheardOf('life-talk');
    const program =
      'echo first; echo aside >&2; until [ -e /go ]; do sleep 0.02; done; echo second; exec sleep infinity';
    await run(node, name, image, ['sh', '-c', program]);
    await eventually(async () => (await voltText(node, ['logs', name])) === 'first\naside\n');

    const following = await node.spawn(['/usr/local/bin/volt', 'logs', name, '-f']);
    let shown = '';
    following.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await eventually(() => shown === 'first\naside\n');
    await tell(node, name, '/go');
    await eventually(() => shown === 'first\naside\nsecond\n');
    await node.sh(`pkill -TERM -f '^/usr/local/bin/volt logs ${name} -f'`);
    await eventually(() => following.exitCode !== null);
    expect(await voltText(node, ['logs', name, '--tail', '1'])).toBe('second\n');
  });
});

describe('addresses and users', () => {
  scenario('a program may open what it prints to by name, also as another user', async (node) => {
    for (const user of ['0:0', '33:33']) {
      const script = 'echo out; echo named > /dev/stdout; echo wrong >&2; echo named too > /dev/stderr';
      const command = ['sh', '-c', `${script}; exec sleep infinity`];
      await run(node, 'life-named', image, { command, flags: ['--user', user] });
      await eventually(async () => (await voltText(node, ['logs', 'life-named'])) === 'out\nnamed\nwrong\nnamed too\n');
      await voltText(node, ['container', 'delete', 'life-named', '--force']);
    }
  });

  scenario('an address is unique, and remembered while the container is stopped', async (node) => {
    const one = await run(node, 'life-one', image, idle);
    await voltText(node, ['container', 'stop', 'life-one']);
    const two = await run(node, 'life-two', image, idle);
    const again = await voltJson<ContainerStatus>(node, ['container', 'start', 'life-one']);
    expect(two.address).not.toBe(one.address);
    expect(again.address).toBe(one.address);
    for (const { address } of [two, again]) await node.sh(`ping -c1 -W2 ${address}`);
  });

  scenario('two containers reach one another by address, below port 1024 too', async (node) => {
    const server = await run(node, 'life-server', image, [
      'socat',
      'TCP-LISTEN:80,fork,reuseaddr',
      'EXEC:/bin/echo hi',
    ]);
    await run(node, 'life-client', image, idle);
    const ask = `socat -u TCP:${server.address}:80 -`;
    const answer = await eventually(() => inside(node, 'life-client', ask));
    expect(answer).toBe('hi\n');
    expect(await node.sh(ask)).toBe('hi\n');
  });

  scenario('root inside is nobody outside, and shares its users with no other container', async (node) => {
    const { pid } = await run(node, 'life-root', image, idle);
    await run(node, 'life-other', image, idle);
    const uid = async (of: number | null) => Number(await node.sh(`awk '/^Uid:/ { print $2 }' /proc/${of}/status`));
    const { userns } = (await inspect(node, 'life-root')).config;
    const other = (await inspect(node, 'life-other')).config.userns;
    expect((await inside(node, 'life-root', 'id -u')).trim()).toBe('0');
    expect(await uid(pid)).toBe(userns.base);
    expect(userns.base).toBeGreaterThanOrEqual(65_536);
    expect(Math.abs(userns.base - other.base)).toBeGreaterThanOrEqual(userns.size);
    const map = (await inside(node, 'life-root', 'cat /proc/self/uid_map')).trim().split(/\s+/).map(Number);
    expect(map).toEqual([0, userns.base, userns.size]);
    expect((await volt(node, ['exec', 'life-root', '--', 'ls', '/proc/1/root/var/lib/volt'])).code).not.toBe(0);
  });
});

scenario('one whose files somebody on the node looks at is stopped, started and deleted all the same', async (node) => {
  await run(node, 'life-seen', image, idle);
  const reader = 'cd /var/lib/volt/containers/life-seen/rootfs; echo > /run/life-seen; exec sleep 98765';
  const reading = node.exec(['sh', '-c', reader]);
  await eventually(async () => (await node.exec(['rm', '/run/life-seen'])).code === 0);
  await voltText(node, ['container', 'restart', 'life-seen', '--grace', '1']);
  expect(await inside(node, 'life-seen', 'echo here')).toBe('here\n');
  await voltText(node, ['container', 'delete', 'life-seen', '--force']);
  expect((await node.exec(['ls', '/var/lib/volt/containers/life-seen'])).code).not.toBe(0);
  await node.sh('pkill -fx "sleep 98765"');
  await reading;
});

scenario('files stay over a stop, and nothing at all stays over a deletion', async (node) => {
  const before = await holdings(node);
  await run(node, 'life-gone', image, ['sh', '-c', '[ ! -e /kept ] || echo found it; exec sleep infinity']);
  await inside(node, 'life-gone', 'echo mine > /kept');
  expect(await holdings(node)).not.toBe(before);
  await voltText(node, ['container', 'restart', 'life-gone']);
  expect(await inside(node, 'life-gone', 'cat /kept')).toBe('mine\n');
  await voltText(node, ['container', 'stop', 'life-gone']);
  expect(await voltJson(node, ['container', 'delete', 'life-gone'])).toEqual({ name: 'life-gone', deleted: true });
  await eventually(async () => expect(await holdings(node)).toBe(before));

  await run(node, 'life-gone', image, ['sh', '-c', '[ ! -e /kept ] || echo found it; exec sleep infinity']);
  expect((await volt(node, ['exec', 'life-gone', '--', 'cat', '/kept'])).code).toBe(1);
});

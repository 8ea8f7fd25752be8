/** What a person can still see, and is told, while the agent of the node is down. */
import { expect } from 'vitest';
import type { InstanceRow } from '@volt/shared/rpc';
import { agentMethods, type AnyMethod, type CliShape } from '@volt/shared/rpc';
import type { z } from 'zod';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import { eventually } from '../lab/testing.ts';
import { ARCHIVE, idle, onOneNode, run, whileDown } from './one-node.ts';

const NOTE = 'agent is down: read from systemd\n';

const { image, scenario } = onOneNode('offline', 2);

const ours = (rows: readonly InstanceRow[]) => rows.filter(({ name }) => name.startsWith('offline-'));

scenario('ps shows the same with and without the agent', async (node) => {
  await run(node, 'offline-runs', image, idle);
  await run(node, 'offline-stopped', image, idle);
  await voltText(node, ['container', 'stop', 'offline-stopped']);
  await volt(node, ['run', 'offline-failed', image, '--', 'sh', '-c', 'exit 4']);
  await voltText(node, ['container', 'create', 'offline-created', image]);
  const online = ours(await voltJson<InstanceRow[]>(node, ['ps', '--host', '/run/volt/volt.sock']));
  expect(online.map(({ state }) => state)).toEqual(['created', 'failed', 'running', 'stopped']);

  await whileDown(node, async () => {
    const { code, stdout, stderr } = await volt(node, ['ps', '-o', 'json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: NOTE });
    expect(ours(JSON.parse(stdout) as InstanceRow[])).toEqual(online);
    expect((await volt(node, ['ps'])).stdout).toMatch(/^offline-runs +\S+ +running /m);
  });
});

scenario('logs come from the journal, and are followed', async (node) => {
  const program = 'echo one; until [ -e /go ]; do sleep 0.02; done; echo two; exec sleep infinity';
  await run(node, 'offline-talks', image, ['sh', '-c', program]);
  await eventually(async () => (await voltText(node, ['logs', 'offline-talks'])).endsWith('one\n'));
  const { stdout } = await volt(node, ['container', 'inspect', 'offline-talks', '-o', 'json']);
  const { pid } = (JSON.parse(stdout) as { status: { pid: number } }).status;

  await whileDown(node, async () => {
    expect(await volt(node, ['logs', 'offline-talks', '-n', '1'])).toEqual({ code: 0, stdout: 'one\n', stderr: NOTE });
    const following = await node.spawn(['/usr/local/bin/volt', 'logs', 'offline-talks', '-f', '-n', '1']);
    let shown = '';
    following.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await eventually(() => shown === 'one\n');
    await node.sh(`: > /proc/${pid}/root/go`);
    await eventually(() => shown === 'one\ntwo\n');
    await node.sh(`pkill -TERM -f '^/usr/local/bin/volt logs offline-talks'`);
    await eventually(() => following.exitCode !== null);
    expect(await volt(node, ['logs', 'offline-none'])).toMatchObject({ code: 3, stdout: '' });
  });
});

scenario('service list shows what systemd has', async (node) => {
  type Row = Readonly<{ name: string; state: string; detail: string; description: string }>;
  const lasting = (rows: readonly Row[]) =>
    rows.filter(({ name }) => /^(dbus|systemd-journald|systemd-logind)$/.test(name));
  const online = lasting(await voltJson<Row[]>(node, ['service', 'list']));
  expect(online.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
  await whileDown(node, async () => {
    const list = async (...flags: string[]) => {
      const { code, stdout, stderr } = await volt(node, ['service', 'list', ...flags, '-o', 'json']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: NOTE });
      return JSON.parse(stdout) as Row[];
    };
    const running = await list();
    expect(lasting(running)).toEqual(online);
    expect(running.map(({ name }) => name)).not.toContain('volt');
    expect((await list('--all')).length).toBeGreaterThan(running.length);
  });
});

scenario('every other command ends with 6 and says what to start', async (node) => {
  const answered = new Set(['instance.list', 'service.list', 'container.logs']);
  const values: Record<string, string> = { name: 'offline-some', image };
  const wordsOf = ({ command, positional }: CliShape<z.ZodObject>) => [
    ...command.split(' '),
    ...positional.map((param) => values[param]!),
  ];
  const fromTable = Object.entries<AnyMethod>(agentMethods).flatMap(([method, { cli }]) =>
    typeof cli === 'object' && !answered.has(method) ? [wordsOf(cli as CliShape<z.ZodObject>)] : [],
  );
  const byHand = [
    ['exec', 'offline-some', '--', 'true'],
    ['image', 'import', 'offline-some', ARCHIVE],
    ['cluster', 'init', '--address', node.address],
    ['cluster', 'status'],
    ['node', 'list'],
  ];
  await whileDown(node, async () => {
    const outcomes = await Promise.all(
      [...fromTable, ...byHand].map(async (words) => ({ words, ...(await volt(node, words)) })),
    );
    expect(outcomes.length).toBeGreaterThan(12);
    for (const { words, code, stdout, stderr } of outcomes) {
      expect({ words, code, stdout, stderr }).toEqual({
        words,
        code: 6,
        stdout: '',
        stderr: 'error: The agent does not answer on /run/volt/volt.sock\nhint: systemctl start volt.socket\n',
      });
    }
  });
});

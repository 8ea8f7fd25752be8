/** What containers printed: whole, in order, by time across several, and of the container that is meant. */
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { LogLine } from '@volt/shared/rpc';
import { volt, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually, openTestLab } from '../lab/testing.ts';
import { onOneNode, run, tell, whileDown } from './one-node.ts';

const VOLT = '/usr/local/bin/volt';
const NOTE = 'agent is down: read from systemd\n';

const { image, scenario } = onOneNode('logs');

/** Prints each text once the file before it is there, then waits. */
const script = (...steps: readonly string[]): string[] => {
  const printed = steps.map((text, at) =>
    at === 0 ? `echo ${text}` : `until [ -e /${at} ]; do sleep 0.02; done; echo ${text}`,
  );
  return ['sh', '-c', `${printed.join('; ')}; exec sleep infinity`];
};

const logs = (node: LabNode, ...args: string[]) => voltText(node, ['logs', ...args]);

const comes = (node: LabNode, name: string, text: string) =>
  eventually(async () => (await logs(node, name)).endsWith(`${text}\n`));

async function following(node: LabNode, ...args: string[]) {
  const child = await node.spawn([VOLT, 'logs', '-f', ...args]);
  const seen = { text: '' };
  child.stdout!.on('data', (chunk: Buffer) => (seen.text += chunk.toString()));
  return { seen, child, stop: () => stop(node, child, args[0]!) };
}

async function stop(node: LabNode, child: ChildProcess, name: string): Promise<void> {
  await node.sh(`pkill -TERM -f '^${VOLT} logs -f ${name}'`);
  await eventually(() => child.exitCode !== null);
}

describe('several', () => {
  scenario('are one by the time of their lines, under names of one width', async (node) => {
    await run(node, 'logs-a', image, script('one', 'three'));
    await comes(node, 'logs-a', 'one');
    await run(node, 'logs-other', image, script('two', 'four'));
    await comes(node, 'logs-other', 'two');
    await tell(node, 'logs-a', '/1');
    await comes(node, 'logs-a', 'three');
    await tell(node, 'logs-other', '/1');
    await comes(node, 'logs-other', 'four');

    const both = ['logs-a     | one', 'logs-other | two', 'logs-a     | three', 'logs-other | four', ''].join('\n');
    expect(await logs(node, 'logs-a', 'logs-other')).toBe(both);
    const follow = await following(node, 'logs-a', 'logs-other');
    await eventually(() => follow.seen.text === both);
    await follow.stop();
    const rows = (await logs(node, 'logs-other', 'logs-a', '-o', 'ndjson')).trimEnd().split('\n');
    const lines = rows.map((row) => JSON.parse(row) as LogLine);
    expect(lines.map(({ name, text }) => `${name} ${text}`)).toEqual([
      'logs-a one',
      'logs-other two',
      'logs-a three',
      'logs-other four',
    ]);
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted());

    const colours = await voltText(node, ['logs', 'logs-a', 'logs-other', '--color', 'always']);
    const alone = await voltText(node, ['logs', 'logs-a', 'logs-a', '--color', 'always']);
    expect(colours).toMatch(/\[\d+mlogs-a {5}\|/);
    expect(alone).toBe('one\nthree\n');
    await whileDown(node, async () => {
      expect(await volt(node, ['logs', 'logs-a', 'logs-other'])).toMatchObject({ code: 0, stdout: both });
    });
  });
});

describe('which lines', () => {
  scenario('from when to when, by pattern, the last few of those, in order', async (node) => {
    await run(node, 'logs-some', image, script('GET-a', 'POST-b', 'GET-c', 'GET-d'));
    for (const step of [1, 2, 3]) await tell(node, 'logs-some', `/${step}`);
    await comes(node, 'logs-some', 'GET-d');
    const rows = (await logs(node, 'logs-some', '-o', 'json')).trimEnd().split('\n');
    const [first, second, third] = rows.map((row) => (JSON.parse(row) as LogLine).at);
    // Three of the four have a time of their own, or the test would show nothing.
    expect(new Set([first, second, third]).size).toBe(3);

    const check = async () => {
      const some = async (...args: string[]) => (await volt(node, ['logs', 'logs-some', ...args])).stdout;
      expect(await some('--tail', '2')).toBe('GET-c\nGET-d\n');
      expect(await some('--since', second!)).toBe('POST-b\nGET-c\nGET-d\n');
      expect(await some('--since', second!, '--tail', '1')).toBe('GET-d\n');
      expect(await some('--since', '1h', '--until', second!)).toBe('GET-a\n');
      expect(await some('--until', third!, '--tail', '1')).toBe('POST-b\n');
      expect(await some('--grep', '^GET')).toBe('GET-a\nGET-c\nGET-d\n');
      expect(await some('--grep', '^GET', '--tail', '2')).toBe('GET-c\nGET-d\n');
      expect(await some('--grep', '^get')).toBe('');
      expect(await some('--since', 'yesterday', '--tail', '0')).toBe('');
      expect(await some('--until', 'yesterday')).toBe('');
      for (const flags of [
        ['--grep', '['],
        ['--since', 'soon'],
        ['--tail', '-1'],
        ['-f', '--until', 'now'],
      ]) {
        expect(await volt(node, ['logs', 'logs-some', ...flags])).toMatchObject({ code: 2, stdout: '' });
      }
    };
    await check();
    await whileDown(node, check);

    const follow = await following(node, 'logs-some', '--grep', 'GET', '--tail', '1');
    await eventually(() => follow.seen.text === 'GET-d\n');
    await follow.stop();
  });

  scenario('those of this container, and of earlier ones of its name when asked', async (node) => {
    await run(node, 'logs-again', image, script('old'));
    await comes(node, 'logs-again', 'old');
    await voltText(node, ['container', 'delete', 'logs-again', '--force']);
    await run(node, 'logs-again', image, script('young'));
    await eventually(async () => (await logs(node, 'logs-again')) === 'young\n');
    expect(await logs(node, 'logs-again', '--earlier', '--tail', '2')).toBe('old\nyoung\n');
    await whileDown(node, async () => {
      expect(await volt(node, ['logs', 'logs-again'])).toEqual({ code: 0, stdout: 'young\n', stderr: NOTE });
    });
  });
});

describe('following', () => {
  scenario('goes on when the container, and when the agent, is started again', async (node) => {
    // A restart keeps the files, so each run prints one line more.
    const program = 'echo run >> /runs; cat /runs | wc -l; exec sleep infinity';
    await run(node, 'logs-restart', image, ['sh', '-c', program]);
    const follow = await following(node, 'logs-restart');
    await eventually(() => follow.seen.text === '1\n');
    await voltText(node, ['container', 'restart', 'logs-restart']);
    await eventually(() => follow.seen.text === '1\n2\n');
    // Who follows does not keep the agent from stopping.
    await node.sh('systemctl restart volt.service', { timeoutMs: 10_000 });
    await voltText(node, ['container', 'restart', 'logs-restart']);
    await eventually(() => follow.seen.text === '1\n2\n3\n');
    await node.sh('systemctl stop volt.socket volt.service');
    try {
      await node.sh('systemctl restart volt-container@logs-restart.service');
      await eventually(() => follow.seen.text === '1\n2\n3\n4\n');
    } finally {
      await node.sh('systemctl start volt.socket volt.service');
    }
    await follow.stop();
  });
});

describe('volume', () => {
  const LINES = 100_000;
  /** Over what it had before; a reader that is not there would otherwise have the agent hold some 30 MiB of text. */
  const GROWTH_KIB_MAX = 64 * 1024;

  const residentKib = async (node: LabNode) =>
    Number(await node.sh(`sed -n 's/^VmRSS: *\\([0-9]*\\) kB/\\1/p' "/proc/$(systemctl show -P MainPID volt)/status"`));

  /** What a lab node has turned off, and sharper than Debian's. */
  const CONF = '/run/systemd/journald.conf.d/zz-logs.conf';
  beforeAll(async () => {
    const node = (await openTestLab()).node(1);
    await node.writeFile(CONF, '[Journal]\nRateLimitIntervalSec=30s\nRateLimitBurst=1000\n');
    await node.sh('systemctl restart systemd-journald');
  });
  afterAll(async () => {
    await (await openTestLab()).node(1).sh(`rm ${CONF}; systemctl restart systemd-journald`);
  });

  scenario('a hundred thousand lines as fast as they come are all there, in order', async (node) => {
    const before = await residentKib(node);
    const program = `for ((i = 0; i < ${LINES}; i++)); do echo "$i is a line"; done; exec sleep infinity`;
    await run(node, 'logs-many', image, { flags: [], command: ['bash', '-c', program] });

    // One reader that stands still from the first lines on until all are printed.
    await node.sh('rm -f /tmp/logs-go /tmp/logs-slow');
    const slow = await node.spawn([
      'sh',
      '-c',
      `${VOLT} logs -f logs-many --tail ${LINES} --since 1h |
        { read -r first; echo "$first"; until [ -e /tmp/logs-go ]; do sleep 0.1; done; head -n ${LINES - 1}; } \\
        > /tmp/logs-slow`,
    ]);
    await eventually(async () => (await logs(node, 'logs-many', '--tail', '1')).startsWith(`${LINES - 1} `), {
      timeoutMs: 120_000,
    });
    const counted = (words: string) =>
      node.sh(`${words} | awk '$1 != NR - 1 { bad++ } END { print NR, bad + 0 }'`, { timeoutMs: 120_000 });
    expect(await counted(`${VOLT} logs logs-many --tail 1000000`)).toBe(`${LINES} 0\n`);
    expect(await counted(`${VOLT} logs logs-many --since 1h`)).toBe(`${LINES} 0\n`);
    expect((await residentKib(node)) - before).toBeLessThan(GROWTH_KIB_MAX);

    await node.sh(': > /tmp/logs-go');
    await eventually(async () => (await node.sh('wc -l < /tmp/logs-slow')).trim() === String(LINES), {
      timeoutMs: 120_000,
    });
    await node.sh(`pkill -TERM -f '^${VOLT} logs -f logs-many'`);
    await eventually(() => slow.exitCode !== null);
    expect(await counted('cat /tmp/logs-slow')).toBe(`${LINES} 0\n`);
    await node.sh('rm /tmp/logs-go /tmp/logs-slow');
  });
});

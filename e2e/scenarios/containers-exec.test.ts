/** A program inside a running container, as if it ran here. */
import { describe, expect } from 'vitest';
import { volt, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { idle, inspect, onOneNode, run } from './one-node.ts';

const MIB = 1024 * 1024;

const { image, scenario } = onOneNode('exec');

/** `volt exec` on a terminal: `script` makes one and passes the exit code on. */
const onTerminal = (node: LabNode, command: string) =>
  node.exec(['script', '-qec', command, '/dev/null'], { env: { TERM: 'xterm' } });

describe('streams and codes', () => {
  scenario('input, both outputs and the exit code go through, apart from one another', async (node) => {
    await run(node, 'exec-a', image, idle);
    const script = 'cat; echo aside >&2; exit 7';
    const outcome = await volt(node, ['exec', 'exec-a', '-i', '--', 'sh', '-c', script], { input: 'in' });
    expect(outcome).toEqual({ code: 7, stdout: 'in', stderr: 'aside\n' });
  });

  scenario('without -i a program finds its input at an end', async (node) => {
    await run(node, 'exec-a', image, idle);
    expect(await volt(node, ['exec', 'exec-a', '--', 'cat'], { input: 'unread' })).toMatchObject({
      code: 0,
      stdout: '',
    });
  });

  scenario('a mebibyte arrives whole and comes back whole', async (node) => {
    await run(node, 'exec-a', image, idle);
    const text = Array.from({ length: MIB / 8 }, (_, index) => index.toString(16).padStart(7, '0')).join('\n');
    const outcome = await volt(node, ['exec', 'exec-a', '-i', '--', 'cat'], { input: text });
    expect(outcome.code).toBe(0);
    expect(outcome.stdout === text).toBe(true);
    expect((await volt(node, ['exec', 'exec-a', '-i', '--', 'wc', '-c'], { input: text })).stdout.trim()).toBe(
      String(text.length),
    );
  });

  scenario('a missing program is 127, death by a signal is 128 and the signal', async (node) => {
    await run(node, 'exec-a', image, idle);
    const missing = await volt(node, ['exec', 'exec-a', '--', 'nosuch']);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('nosuch');
    expect((await volt(node, ['exec', 'exec-a', '--', 'sh', '-c', 'kill -KILL $$'])).code).toBe(137);
  });

  scenario('the environment is the container’s, and what is added', async (node) => {
    await run(node, 'exec-env', image, { command: idle, flags: ['-e', 'COLOUR=blue'] });
    const shown = await voltText(node, ['exec', 'exec-env', '-e', 'SHAPE=a "b" $c', '--', 'env']);
    expect(shown.split('\n')).toEqual(expect.arrayContaining(['COLOUR=blue', 'SHAPE=a "b" $c']));
  });
});

describe('a terminal', () => {
  scenario('-t gives the program one, of the caller’s size, and its exit code comes through', async (node) => {
    await run(node, 'exec-tty', image, idle);
    const without = await volt(node, ['exec', 'exec-tty', '--', 'tty']);
    expect(without).toMatchObject({ code: 1, stdout: 'not a tty\n' });
    const shown = await onTerminal(
      node,
      `stty rows 33 cols 77; exec volt exec exec-tty -t -- sh -c '[ -t 0 ] && [ -t 1 ] && stty size; exit 5'`,
    );
    expect(shown.stdout).toContain('33 77');
    expect(shown.code).toBe(5);
  });

  scenario('-t where there is no terminal is refused', async (node) => {
    await run(node, 'exec-tty', image, idle);
    expect(await volt(node, ['exec', 'exec-tty', '-t', '--', 'tty'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: '--tty' needs a terminal/) as string,
    });
  });
});

describe('an end before its time', () => {
  const NAP = 'sleep 77777';
  const isNapping = async (node: LabNode) => (await node.exec(['pgrep', '-fx', NAP])).code === 0;

  scenario('interrupting the command ends the program inside', async (node) => {
    await run(node, 'exec-cut', image, idle);
    const cut = volt(node, ['exec', 'exec-cut', '--', ...NAP.split(' ')]);
    await eventually(() => isNapping(node));
    await node.sh(`pkill -INT -f '^/usr/local/bin/volt exec exec-cut'`);
    expect((await cut).code).toBe(13);
    await eventually(async () => !(await isNapping(node)));
  });

  scenario('so does losing the command without a word', async (node) => {
    await run(node, 'exec-cut', image, idle);
    const lost = volt(node, ['exec', 'exec-cut', '--', ...NAP.split(' ')]);
    await eventually(() => isNapping(node));
    await node.sh(`pkill -KILL -f '^/usr/local/bin/volt exec exec-cut'`);
    expect((await lost).code).toBe(137);
    await eventually(async () => !(await isNapping(node)));
  });

  scenario('stopping the container ends it, and is not held up by it', async (node) => {
    await run(node, 'exec-stop', image, idle);
    const inside = volt(node, ['exec', 'exec-stop', '--', ...NAP.split(' ')]);
    await eventually(() => isNapping(node));
    await voltText(node, ['container', 'stop', 'exec-stop']);
    expect((await inside).code).toBe(137);
    expect((await inspect(node, 'exec-stop')).status.state).toBe('stopped');
    expect(await isNapping(node)).toBe(false);
    expect(await volt(node, ['exec', 'exec-stop', '--', 'echo'])).toMatchObject({ code: 9, stdout: '' });
  });
});

/** Containers as somebody at a terminal has them: run, attach, exec and shell. */
import { describe, expect } from 'vitest';
import { volt, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { onTerminal, type Step } from './on-terminal.ts';
import { holdings, idle, inside, inspect, onOneNode, run, whileDown } from './one-node.ts';

const MIB = 1024 * 1024;
const PROMPT = '# ';
const LEAVE: Step = { type: '\u0010\u0011' };
const SHELL = ['bash', '--norc'];

const { image, scenario } = onOneNode('tty');

const runOn = (node: LabNode, name: string, steps: readonly Step[], what: readonly string[] = SHELL) =>
  onTerminal(node, ['volt', 'run', name, image, '-it', '--', ...what], steps);

const execOn = (node: LabNode, name: string, steps: readonly Step[], what: readonly string[] = SHELL) =>
  onTerminal(node, ['volt', 'exec', name, '-it', '--', ...what], steps);

const stateOf = async (node: LabNode, name: string) => (await inspect(node, name)).status.state;

/** What somebody at a prompt does, and what must come of it wherever the program is. */
const sitting: readonly Step[] = [
  { wait: PROMPT },
  { type: 'tty; stty size\r' },
  { wait: '24 80' },
  { resize: [101, 43] },
  { type: 'until [ "$(stty size)" = "43 101" ]; do :; done; echo resized $((6 * 7))\r' },
  { wait: 'resized 42' },
  { type: "printf '\\346'; sleep 0.1; printf '\\227\\245 \\303'; sleep 0.1; printf '\\251\\n'\r" },
  { wait: '\u65E5 \u00E9' },
  { type: 'cat\r' },
  { wait: 'cat\r\n' },
  { type: 'echoed-\u65E5\r' },
  { wait: 'echoed-\u65E5\r\nechoed-\u65E5' },
  { type: '\u0003' },
  { wait: PROMPT },
  { type: 'echo interrupted with $?\r' },
  { wait: 'interrupted with 130' },
  { type: 'exit 7\r' },
];

describe('a program with a terminal of its own', () => {
  scenario('it has a name and a size, keys and letters go through, its exit code comes back', async (node) => {
    const { code, shown, isRestored } = await runOn(node, 'tty-a', sitting);
    expect(shown).toContain('/dev/pts/0');
    expect({ code, isRestored }).toEqual({ code: 7, isRestored: true });
    const logged = await voltText(node, ['logs', 'tty-a']);
    expect(logged, 'what was shown is in the journal too').toContain('resized 42');
  });

  scenario('--rm leaves nothing at its end, and a program that is missing says so', async (node) => {
    const before = await holdings(node);
    const argv = ['volt', 'run', 'tty-rm', image, '-it', '--rm', '--'];
    const ended = await onTerminal(node, [...argv, 'sh', '-c', 'echo bye; exit 3'], []);
    expect(ended).toMatchObject({ code: 3, shown: 'bye\r\n', isRestored: true });
    expect(await holdings(node)).toBe(before);
    const missing = await onTerminal(node, [...argv, 'nosuch'], []);
    expect(missing.code).toBe(127);
    expect(missing.shown).toContain("cannot run 'nosuch'");
    expect(await holdings(node)).toBe(before);
  });

  scenario('who leaves leaves it running, also over restarts of voltd, and comes back to it', async (node) => {
    const left = await runOn(node, 'tty-b', [
      { wait: PROMPT },
      { type: 'kept=$((2 * 21))\r' },
      { wait: PROMPT },
      LEAVE,
    ]);
    expect(left).toMatchObject({ code: 0, isRestored: true });
    expect(left.shown).toContain("'tty-b' goes on");
    await node.sh('systemctl kill --signal=KILL volt.service; systemctl restart volt.socket volt.service');
    expect(await stateOf(node, 'tty-b')).toBe('running');
    const back = await onTerminal(
      node,
      ['volt', 'attach', 'tty-b'],
      [
        // The prompt that it stands at is shown again.
        { wait: PROMPT },
        { type: 'echo still $kept\r' },
        { wait: 'still 42' },
        { type: 'exit 5\r' },
      ],
    );
    expect(back).toMatchObject({ code: 5, isRestored: true });
    expect((await inspect(node, 'tty-b')).status).toMatchObject({ state: 'failed', exitCode: 5 });
  });

  scenario('several see the same, and either can leave with keys of its own', async (node) => {
    await run(node, 'tty-c', image, { command: SHELL, flags: ['-t', '-d'] });
    const attach = ['volt', 'attach', 'tty-c', '--detach-keys', 'ctrl-],x'];
    const leave: Step = { type: '\u001Dx' };
    const other = onTerminal(node, attach, [{ wait: 'both 2' }, leave]);
    const go = 'until [ -e /go ]; do sleep 0.05; done; echo both $((1 + 1))\r';
    const one = onTerminal(node, attach, [{ wait: PROMPT }, { type: go }, { wait: 'both 2' }, leave]);
    const watchers = 'ss -xH state established src /run/volt/containers/tty-c/console | wc -l';
    await eventually(async () => Number(await node.sh(watchers)) === 2);
    await inside(node, 'tty-c', ': > /go');
    expect(await Promise.all([one, other])).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(await stateOf(node, 'tty-c')).toBe('running');
  });

  scenario('a mebibyte is pasted without loss', async (node) => {
    const script = 'stty -echo; echo ready; sleep 0.5; sha256sum';
    const ended = await runOn(
      node,
      'tty-d',
      [{ wait: 'ready' }, { paste: MIB }, { type: '\u0004' }],
      ['sh', '-c', script],
    );
    expect(ended.code).toBe(0);
    expect(ended.shown).toContain(ended.pasted);
  });

  scenario('it starts without voltd, and stops like all others', async (node) => {
    await voltText(node, ['container', 'create', 'tty-e', image, '-t', '--', 'sh', '-c', 'tty; exec sleep infinity']);
    expect((await inspect(node, 'tty-e')).config.spec).toMatchObject({ tty: true });
    await whileDown(node, async () => void (await node.sh('systemctl start volt-container@tty-e')));
    await eventually(async () => (await volt(node, ['logs', 'tty-e'])).stdout.includes('/dev/pts/0'));
    await voltText(node, ['container', 'restart', 'tty-e']);
    await voltText(node, ['container', 'stop', 'tty-e']);
    expect((await inspect(node, 'tty-e')).status).toMatchObject({ state: 'stopped', exitCode: 143 });
    expect(await volt(node, ['attach', 'tty-e'])).toMatchObject({ code: 9, stdout: '' });
  });

  scenario('a lost voltd gives the terminal back, and leaves the program alone', async (node) => {
    const losing = runOn(node, 'tty-f', [{ wait: PROMPT }, { type: 'echo wai$((0))ting\r' }, { wait: 'wai0ting' }]);
    await eventually(async () => (await volt(node, ['logs', 'tty-f'])).stdout.includes('wai0ting'));
    await node.sh('systemctl kill --signal=KILL volt.service');
    const lost = await losing;
    expect(lost.isRestored).toBe(true);
    expect(lost.code).toBe(6);
    expect(await stateOf(node, 'tty-f')).toBe('running');
  });
});

describe('a program with open input', () => {
  scenario('what is piped through comes back as it was, both outputs apart', async (node) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
    const argv = ['run', 'tty-i', image, '-i', '--rm', '--', 'sh', '-c', 'cat; echo aside >&2; exit 4'];
    expect(await volt(node, argv, { input: bytes })).toEqual({ code: 4, stdout: bytes, stderr: 'aside\n' });
    const large = Array.from({ length: MIB / 8 }, (_, index) => index.toString(16).padStart(7, '0')).join('\n');
    const counted = await volt(node, ['run', 'tty-j', image, '-i', '--rm', '--', 'cat'], { input: large });
    expect(counted.stdout === large).toBe(true);
  });

  scenario('it stays open while nobody is there', async (node) => {
    await run(node, 'tty-k', image, { command: ['sh', '-c', 'read -r a; echo "got $a"; exit 6'], flags: ['-i', '-d'] });
    expect(await stateOf(node, 'tty-k')).toBe('running');
    expect(await volt(node, ['attach', 'tty-k'], { input: 'word\n' })).toMatchObject({ code: 6, stdout: 'got word\n' });
  });
});

describe('a program without either', () => {
  scenario('attach shows what it prints from then on, and ends as it ends', async (node) => {
    const script = 'echo early; until [ -e /go ]; do sleep 0.05; done; echo late; exit 8';
    await run(node, 'tty-l', image, ['sh', '-c', script]);
    await eventually(async () => (await volt(node, ['logs', 'tty-l'])).stdout === 'early\n');
    const attached = volt(node, ['attach', 'tty-l']);
    const isFollowed = `pgrep -f '^journalctl .*volt-container@tty-l'`;
    await eventually(async () => (await node.exec(['sh', '-c', isFollowed])).code === 0);
    await inside(node, 'tty-l', ': > /go');
    expect(await attached).toMatchObject({ code: 8, stdout: 'late\n' });
  });
});

describe('programs that are run inside', () => {
  scenario('a terminal, as that of the container’s own program', async (node) => {
    await run(node, 'tty-m', image, idle);
    const { code, shown, isRestored } = await execOn(node, 'tty-m', sitting);
    expect(shown).toContain('/dev/pts/');
    expect({ code, isRestored }).toEqual({ code: 7, isRestored: true });
  });

  scenario('a mebibyte is pasted without loss', async (node) => {
    await run(node, 'tty-m', image, idle);
    const script = 'stty -echo; echo ready; sleep 0.5; sha256sum';
    const ended = await execOn(
      node,
      'tty-m',
      [{ wait: 'ready' }, { paste: MIB }, { type: '\u0004' }],
      ['sh', '-c', script],
    );
    expect(ended.code).toBe(0);
    expect(ended.shown).toContain(ended.pasted);
  });

  scenario('Ctrl-Z and Ctrl-\\ are for the program', async (node) => {
    await run(node, 'tty-m', image, idle);
    const script = 'trap "echo quitted; exit 3" QUIT; echo ready; while :; do sleep 0.1; done';
    const quit = await execOn(
      node,
      'tty-m',
      [{ wait: 'ready' }, { type: '\u001C' }, { wait: 'quitted' }],
      ['sh', '-c', script],
    );
    expect(quit.code).toBe(3);
    const { code } = await execOn(node, 'tty-m', [
      { wait: PROMPT },
      { type: 'sh -c "echo r\'\'eady; exec sleep 99"\r' },
      { wait: 'ready' },
      { type: '\u001A' },
      { wait: 'Stopped' },
      { wait: PROMPT },
      { type: 'exit 4\r' },
      { wait: 'There are stopped jobs' },
      { wait: PROMPT },
      { type: 'exit 4\r' },
    ]);
    expect(code).toBe(4);
  });

  scenario('who leaves leaves it running, and its container stops all the same', async (node) => {
    await run(node, 'tty-n', image, idle);
    const script = 'echo ready; sleep 1; echo $$ > /left; sleep 88888';
    const left = await execOn(node, 'tty-n', [{ wait: 'ready' }, LEAVE], ['sh', '-c', script]);
    expect(left).toMatchObject({ code: 0, isRestored: true });
    await node.sh('systemctl restart volt.service');
    await eventually(async () => (await volt(node, ['exec', 'tty-n', '--', 'cat', '/left'])).code === 0);
    await voltText(node, ['container', 'stop', 'tty-n']);
    expect((await node.exec(['pgrep', '-fx', 'sleep 88888'])).code).toBe(1);
  });

  scenario('a terminal that is lost is hung up', async (node) => {
    await run(node, 'tty-o', image, idle);
    const script = 'trap ": > /hung; exit" HUP; echo ready; while :; do sleep 0.1; done';
    const killed = await execOn(node, 'tty-o', [{ wait: 'ready' }, { signal: 9 }], ['sh', '-c', script]);
    expect(killed.code).toBe(137);
    await eventually(async () => (await volt(node, ['exec', 'tty-o', '--', 'ls', '/hung'])).code === 0);
  });

  scenario('the command told to end gives the terminal back', async (node) => {
    await run(node, 'tty-o', image, idle);
    const ended = await execOn(node, 'tty-o', [{ wait: PROMPT }, { signal: 15 }]);
    expect(ended).toMatchObject({ code: 13, isRestored: true });
  });
});

describe('a shell', () => {
  scenario('is bash as somebody logs in to it, as whom is asked', async (node) => {
    await run(node, 'tty-p', image, idle);
    const { code, shown } = await onTerminal(
      node,
      ['volt', 'shell', 'tty-p', '--user', '33:34'],
      [
        { wait: '$ ' },
        { type: 'echo $0; shopt login_shell; id -u; id -g\r' },
        { wait: '33\r\n34' },
        { type: 'exit 4\r' },
      ],
    );
    expect(code).toBe(4);
    expect(shown).toMatch(/bash\r\nlogin_shell\s+on/);
  });

  scenario('takes a script, or a command and its words as they are', async (node) => {
    await run(node, 'tty-p', image, idle);
    expect(await volt(node, ['shell', 'tty-p'], { input: 'echo $0; exit 9' })).toMatchObject({
      code: 9,
      stdout: 'bash\n',
    });
    const words = await volt(node, ['shell', 'tty-p', '--', 'echo', 'a  b', '$HOME']);
    expect(words).toMatchObject({ code: 0, stdout: 'a  b $HOME\n' });
  });
});

describe('no terminal', () => {
  scenario('-t without one is one clear line, and changes nothing', async (node) => {
    const refused = {
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: '--tty' needs a terminal/) as string,
    };
    expect(await volt(node, ['run', 'tty-q', image, '-it', '--', 'cat'])).toMatchObject(refused);
    expect(await volt(node, ['container', 'inspect', 'tty-q'])).toMatchObject({ code: 3 });
    await run(node, 'tty-q', image, idle);
    expect(await volt(node, ['exec', 'tty-q', '-it', '--', 'cat'])).toMatchObject(refused);
    const keys = await volt(node, ['attach', 'tty-q', '--detach-keys', 'ctrl-1']);
    expect(keys).toMatchObject({ code: 2, stdout: '' });
  });
});

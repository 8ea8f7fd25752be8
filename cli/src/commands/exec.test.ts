import { PassThrough } from 'node:stream';
import { VoltError } from '@volt/shared/errors';
import { expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer, type Streaming } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';
import { controllerHome } from './testing.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const found = { 'container.inspect': () => ({}) };

/** A program that prints its input in capitals, complains once, and ends with 7. */
const shout: Answer = async (_asked, { emit, input }) => {
  for await (const item of input as AsyncIterable<{ kind: string; data: string }>) {
    if (item.kind === 'eof') break;
    const text = Buffer.from(item.data, 'base64').toString();
    await emit({ stream: 'stdout', data: base64(text.toUpperCase()) });
  }
  await emit({ stream: 'stderr', data: base64('done\n') });
  return { exitCode: 7 };
};

test('input, output, errors and the exit code go through', async () => {
  const terminal = new FakeTerminal({ input: 'hello\n' });
  const result = await volt('exec web -i -e A=1 -- tr a-z A-Z', {
    terminal,
    answers: { ...found, 'container.exec': shout },
  });
  expect(result).toMatchObject({ code: 7, stdout: 'HELLO\n', stderr: 'done\n' });
  expect(result.asked.at(-1)?.params).toEqual({
    name: 'web',
    command: ['tr', 'a-z', 'A-Z'],
    env: { A: '1' },
    tty: false,
    stdin: true,
  });
});

test('the words of the program are left as they are', async () => {
  const answer: Answer = async () => ({ exitCode: 0 });
  for (const words of [['sh', '-c', 'echo a,b,,c'], ['two words']]) {
    const { asked } = await volt(['exec', 'web', '--', ...words], { answers: { 'container.exec': answer } });
    expect(asked[0]?.params).toMatchObject({ command: words });
  }
});

test('without -i standard input is left alone', async () => {
  const input = new PassThrough();
  const terminal = new FakeTerminal({ input });
  const answer: Answer = async () => ({ exitCode: 0 });
  const { code, asked } = await volt('exec web -- true', { terminal, answers: { 'container.exec': answer } });
  expect(code).toBe(0);
  expect(asked[0]?.params).toMatchObject({ stdin: false });
  expect(input.destroyed).toBe(false);
});

test('a terminal is raw while the program runs, and tells its size when that changes', async () => {
  const input = new PassThrough();
  const terminal = new FakeTerminal({ columns: 100, input });
  const seen: unknown[] = [];
  const answer: Answer = async (_asked, { input: items }: Streaming) => {
    input.write('q');
    for await (const item of items) {
      seen.push(item);
      expect(terminal.isRaw).toBe(true);
      if (seen.length === 1) terminal.resize();
      else return { exitCode: 0 };
    }
    return { exitCode: 1 };
  };
  const { code, asked } = await volt('exec web -it -- sh', {
    terminal,
    answers: { ...found, 'container.exec': answer },
  });
  expect(code).toBe(0);
  expect(asked.at(-1)?.params).toMatchObject({ tty: true, stdin: true, columns: 100, rows: 24 });
  expect(seen).toEqual([
    { kind: 'stdin', data: base64('q') },
    { kind: 'resize', columns: 100, rows: 24 },
  ]);
  expect(terminal.isRaw).toBe(false);
  expect(input.destroyed, 'a pending read would keep the process alive').toBe(true);
});

test('a terminal is as it was when the program cannot be run', async () => {
  const terminal = new FakeTerminal({ columns: 80, input: new PassThrough() });
  const fail: Answer = () => {
    throw new VoltError('CONFLICT', "'web' does not run");
  };
  const { code } = await volt('exec web -it -- sh', { terminal, answers: { ...found, 'container.exec': fail } });
  expect(code).toBe(9);
  expect(terminal.isRaw).toBe(false);
});

test('--tty without a terminal is refused', async () => {
  expect(await volt('exec web -t -- sh')).toMatchObject({ code: 2, asked: [] });
});

test('a workload with several copies asks which', async () => {
  const env = { XDG_CONFIG_HOME: controllerHome(temporaryFolder()) };
  const rows = ['web-0', 'web-1'].map((name) => ({ name, workload: 'web', node: 'n1' }));
  const { code, stderr } = await volt('exec web -- true', { env, answers: { 'instance.list': () => rows } });
  expect(code).toBe(2);
  expect(stderr).toBe("error: 'web' has 2 copies: say which\nhint: web-0, web-1\n");
});

test('on a node that has no such container, the one of the cluster is meant', async () => {
  const answers: Record<string, Answer> = {
    'container.exec': ({ options }) => {
      if (options.node === 'n2') return { exitCode: 3 };
      throw new VoltError('NOT_FOUND', 'No such container');
    },
    'instance.list': () => [{ name: 'web-0', workload: 'web', node: 'n2' }],
  };
  expect((await volt('exec web -- true', { answers })).code).toBe(3);
});

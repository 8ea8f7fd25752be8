import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const inspected = (spec: object) => () => ({ config: { spec } });

/** Prints what it is sent, until that ends or the caller leaves; then it is told with what. */
const echo: Answer = async (_asked, { emit, input }) => {
  for await (const item of input as AsyncIterable<{ kind: string; data: string }>) {
    if (item.kind === 'stdin') await emit({ stream: 'stdout', data: item.data });
    if (item.kind === 'detach') return { exitCode: 0 };
  }
  return { exitCode: 6 };
};

const typing = (text: string) => {
  const input = new PassThrough();
  input.write(text);
  return new FakeTerminal({ columns: 90, input });
};

test('run stays with what has a terminal, and ends as it ends', async () => {
  const terminal = typing('ls');
  terminal.stdin.stream().push(null);
  const { code, stdout, asked } = await volt('run box app -it --rm -- sh', {
    terminal,
    answers: { 'container.runAttached': echo },
  });
  expect({ code, stdout }).toEqual({ code: 6, stdout: 'ls' });
  expect(asked).toMatchObject([
    {
      method: 'container.runAttached',
      params: { name: 'box', image: 'app', tty: true, interactive: true, rm: true, command: ['sh'], stdin: true },
    },
  ]);
  expect(asked[0]?.params).toMatchObject({ columns: 90, rows: 24 });
  expect(asked[0]?.params).not.toHaveProperty('detachKeys');
});

test('run does not stay where that is not asked for', async () => {
  const answers = { 'container.run': () => ({ name: 'box', state: 'running', image: 'app', address: null }) };
  const plain = await volt('run box app', { answers });
  expect(plain.asked.map(({ method }) => method)).toEqual(['container.run']);
  const detached = await volt('run box app -t -d', { answers });
  expect(detached).toMatchObject({ code: 0, asked: [{ method: 'container.run', params: { tty: true } }] });
  expect(detached.asked[0]?.params).not.toHaveProperty('detach');
});

test('run without a terminal can keep its input open, and not be given one', async () => {
  const terminal = new FakeTerminal({ input: 'words' });
  const { code, stdout } = await volt('run box app -i -- cat', {
    terminal,
    answers: { 'container.runAttached': echo },
  });
  expect({ code, stdout }).toEqual({ code: 6, stdout: 'words' });
  expect(await volt('run box app -it -- sh')).toMatchObject({ code: 2, asked: [] });
});

test('the keys that leave are not typed, give the terminal back, and say what goes on', async () => {
  const terminal = typing('a\u0010b\u0010\u0011never');
  const answers = { 'container.inspect': inspected({ tty: true }), 'container.attach': echo };
  const result = await volt('attach box', { terminal, answers });
  expect(result).toMatchObject({ code: 0, stdout: 'a\u0010b', stderr: "\nLeft: 'box' goes on.\n" });
  expect(terminal.isRaw).toBe(false);
});

test('leaving does not wait for a program that reads nothing', async () => {
  const deaf: Answer = (_asked, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const stuck: Answer = async (asked, streaming) => {
    for await (const item of streaming.input as AsyncIterable<{ kind: string }>) if (item.kind === 'detach') break;
    return deaf(asked, streaming);
  };
  const answers = { 'container.inspect': inspected({ tty: true }), 'container.attach': stuck };
  expect(await volt('attach box', { terminal: typing('\u0010\u0011'), answers })).toMatchObject({ code: 0 });
});

test.each([
  ['a terminal, but none here', { tty: true }, undefined, { stdin: false }],
  ['open input', { interactive: true }, undefined, { stdin: true }],
  ['neither', {}, 80, { stdin: false }],
])('of a container with %s, what is passed on is %j', async (_what, spec, columns, params) => {
  const terminal = new FakeTerminal({ input: '', ...(columns === undefined ? {} : { columns }) });
  const answers = { 'container.inspect': inspected(spec), 'container.attach': echo };
  const { asked } = await volt('attach box', { terminal, answers });
  expect(asked.at(-1)).toMatchObject({ method: 'container.attach', params });
  expect(terminal.isRaw).toBe(false);
});

test('keys that are none are refused before anything is asked', async () => {
  const answers = { 'container.inspect': inspected({}), 'container.attach': echo };
  const { code, asked } = await volt('attach box --detach-keys ctrl-1', { answers });
  expect(code).toBe(2);
  expect(asked.map(({ method }) => method)).not.toContain('container.attach');
});

test('a shell is the best there is, on a terminal where there is one', async () => {
  const answers = { 'container.inspect': inspected({}), 'container.exec': echo };
  const piped = await volt('shell web --user www-data', { terminal: new FakeTerminal({ input: 'id' }), answers });
  expect(piped).toMatchObject({ code: 6, stdout: 'id' });
  expect(piped.asked.at(-1)?.params).toMatchObject({ tty: false, stdin: true, user: 'www-data' });
  const words = await volt(['shell', 'web', '--', 'echo', 'a  b'], { terminal: new FakeTerminal(), answers });
  const { command } = words.asked.at(-1)!.params as { command: string[] };
  expect(command.slice(0, 2)).toEqual(['/bin/sh', '-c']);
  expect(command.slice(3)).toEqual(['sh', 'echo', 'a  b']);
  const terminal = typing('\u0010\u0011');
  expect((await volt('shell web', { terminal, answers })).asked.at(-1)?.params).toMatchObject({ tty: true, rows: 24 });
});

test('what is printed is passed on byte for byte', async () => {
  const halves: Answer = async (_asked, { emit }) => {
    for (const byte of Buffer.from('日')) await emit({ stream: 'stdout', data: Buffer.of(byte).toString('base64') });
    return { exitCode: 0 };
  };
  const terminal = new FakeTerminal();
  const answers = { 'container.inspect': inspected({}), 'container.attach': halves };
  await volt('attach box', { terminal, answers });
  expect(terminal.stdout.bytes.toString()).toBe('日');
  expect(base64('日')).toBe(terminal.stdout.bytes.toString('base64'));
});

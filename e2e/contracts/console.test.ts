/** The built agent/enter on this machine: no container, but real terminals and sockets. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecInput } from '@volt/shared/rpc';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { z } from 'zod';
import { relay, type Outcome } from '../../agent/src/engine/terminal/index.ts';
import { NodePrograms, unixSockets } from '../../agent/src/host/index.ts';
import { buildConsole, buildEnter } from '../../scripts/build/enter.ts';
import { eventually } from '../lab/testing.ts';

type Input = z.output<typeof ExecInput>;

const TOP = join(import.meta.dirname, '../..');
const MIB = 1024 * 1024;
const ANSWERED_PARTS_MAX = 32;
const programs = new NodePrograms();
const window = { stdin: true, columns: 99, rows: 33 };

let holder: string;
let enter: string;

beforeAll(async () => {
  const cache = join(TOP, 'dist/build/cache');
  [holder, enter] = await Promise.all([buildConsole(TOP, cache), buildEnter(TOP, cache)]);
});

const keys = (text: string | Buffer): Input => ({ kind: 'stdin', data: Buffer.from(text).toString('base64') });

/** Somebody who is shown things, and answers what was shown last with input of their own. */
function somebody(answer: (shown: string) => readonly Input[]) {
  const parts: Buffer[] = [];
  const queue: Input[] = [];
  let wake = Promise.withResolvers<void>();
  const input = async function* (): AsyncGenerator<Input> {
    for (;;) {
      while (queue.length > 0) yield queue.shift()!;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  };
  const emit = async ({ data }: { data: string }) => {
    parts.push(Buffer.from(data, 'base64'));
    // What is waited for comes early.
    if (parts.length <= ANSWERED_PARTS_MAX) queue.push(...answer(Buffer.concat(parts).toString()));
    wake.resolve();
  };
  return { io: { input: input(), emit }, shown: () => Buffer.concat(parts).toString() };
}

/** Answers once, when this has been shown. */
function once(wanted: string, ...input: readonly Input[]) {
  let isDone = false;
  return (shown: string): readonly Input[] => {
    if (isDone || !shown.includes(wanted)) return [];
    isDone = true;
    return input;
  };
}

const opened = (script: string) =>
  programs.open([holder, 'exec', enter, '--console', '--', '/bin/bash', '-c', script], {});

async function onTerminal(script: string, answer: (shown: string) => readonly Input[] = () => []) {
  const program = await opened(script);
  const { io, shown } = somebody(answer);
  const line = { output: program.stdout, write: (data: Uint8Array) => program.write(data) };
  const outcome = await relay(line, window, io);
  return { outcome, shown: shown(), program };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'volt-console-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a program has a terminal with a name, of the size that was asked for, and of others later', async () => {
  const resized = once('33 99', { kind: 'resize', columns: 120, rows: 40 }, keys('h\u00E9\n'));
  const { outcome, shown } = await onTerminal('tty; stty size; read x; stty size; echo got $x; exit 7', resized);
  expect(shown).toMatch(/^\/dev\/pts\/\d+\r\n33 99\r\n/);
  expect(shown).toContain('40 120\r\ngot h\u00E9\r\n');
  expect(outcome).toEqual({ exitCode: 7 });
});

test('Ctrl-C interrupts, and the end of input is an end', async () => {
  const cut = await onTerminal('echo ready; exec sleep 1000', once('ready', keys('\u0003')));
  expect(cut.outcome).toEqual({ exitCode: 130 });
  expect((await onTerminal('echo ready; cat', once('ready', { kind: 'eof' }))).outcome).toEqual({ exitCode: 0 });
});

test('it ends with its program, whatever that left in the background', async () => {
  const { outcome, shown } = await onTerminal('trap "" HUP; sleep 1000 & echo $!');
  expect(outcome).toEqual({ exitCode: 0 });
  process.kill(Number(shown), 'SIGKILL');
});

test('a mebibyte of any bytes arrives, and more comes back', async () => {
  const data = randomBytes(MIB);
  const script = `stty raw -echo; echo ready; head -c ${MIB} | sha256sum; head -c ${3 * MIB} /dev/zero | tr '\\0' x`;
  const { shown } = await onTerminal(script, once('ready', keys(data)));
  expect(shown).toContain(createHash('sha256').update(data).digest('hex'));
  expect(shown.length).toBeGreaterThan(3 * MIB);
});

test('a terminal that is lost is hung up, even when nothing is read from it', async () => {
  const mark = join(folder(), 'hung');
  const program = await opened(
    `trap ': > ${mark}; exit' HUP; stty raw -echo; echo ready; while :; do sleep 0.05; done`,
  );
  const { io } = somebody(once('ready', keys(randomBytes(MIB))));
  const line = { output: program.stdout, write: (data: Uint8Array) => program.write(data) };
  const watching = relay(line, window, { ...io, emit: async (event) => io.emit(event).then(() => program.release()) });
  watching.catch(() => undefined);
  await eventually(async () => existsSync(mark));
});

test('one that is left goes on, without anybody', async () => {
  const mark = join(folder(), 'left');
  const { outcome, program } = await onTerminal(
    `echo ready; seq 200000; : > ${mark}`,
    once('ready', { kind: 'detach' }),
  );
  expect(outcome).toBe('left');
  program.release();
  await eventually(async () => existsSync(mark));
});

test('a program that is missing says so where it would have been', async () => {
  const program = await programs.open([holder, 'exec', enter, '--console', '--', '/bin/nosuch'], {});
  const { io, shown } = somebody(() => []);
  const outcome = await relay({ output: program.stdout, write: (data) => program.write(data) }, window, io);
  expect({ outcome, shown: shown() }).toEqual({
    outcome: { exitCode: 127 },
    shown: "volt: cannot run '/bin/nosuch': No such file or directory\r\n",
  });
});

test('one that is awaited begins when somebody watches; its journal has all, and the socket is for root', async () => {
  const [socket, mark] = ['console', 'awaited'].map((name) => join(folder(), name)) as [string, string];
  writeFileSync(mark, '');
  const argv = [
    holder,
    'serve',
    socket,
    mark,
    'pipes',
    '0:0',
    '/bin/sh',
    '-c',
    'read x; echo got $x; echo no >&2; exit 5',
  ];
  const served = await programs.open(argv, {});
  await eventually(async () => existsSync(socket) && !existsSync(mark));
  const watch = async (input: readonly Input[]): Promise<{ outcome: Outcome; shown: string }> => {
    const connection = await unixSockets.connect(socket);
    const { io, shown } = somebody(() => []);
    const items = async function* () {
      yield* input;
    };
    const outcome = await relay(connection, window, { ...io, input: items() });
    connection.close();
    return { outcome, shown: shown() };
  };
  const silent = watch([]);
  const spoken = watch([keys('a word\n')]);
  expect((await silent).outcome).toEqual({ exitCode: 5 });
  expect(await spoken).toMatchObject({ outcome: { exitCode: 5 } });
  expect((await spoken).shown).toMatch(/got a word/);
  const [journal, errors] = await Promise.all([served.stdout, served.stderr].map((one) => Array.fromAsync(one)));
  expect(Buffer.concat(journal!).toString()).toBe('got a word\n');
  expect(Buffer.concat(errors!).toString()).toBe('no\n');
  expect(await served.exitCode).toBe(5);
});

test('who watches and is slow spoils nothing: it is shown all that is in the journal, of both', async () => {
  const [socket, mark] = ['console', 'awaited'].map((name) => join(folder(), name)) as [string, string];
  writeFileSync(mark, '');
  const print = (letter: string) => `head -c ${4 * MIB} /dev/zero | tr '\\0' ${letter}`;
  const script = `${print('a')} & ${print('b')} >&2; wait`;
  const served = await programs.open([holder, 'serve', socket, mark, 'pipes', '0:0', '/bin/sh', '-c', script], {});
  const journals = Promise.all([served.stdout, served.stderr].map((one) => Array.fromAsync(one)));
  await eventually(async () => existsSync(socket));
  const shown: Buffer[] = [];
  for await (const part of connect(socket) as AsyncIterable<Buffer>) {
    shown.push(part);
    // The program is quicker: its pipes are full whenever there is room again.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  const [out = '', errors = ''] = (await journals).map((parts) => Buffer.concat(parts).toString());
  expect([out.length, errors.length]).toEqual([4 * MIB, 4 * MIB]);
  expect([/[^a]/.test(out), /[^b]/.test(errors)]).toEqual([false, false]);
  expect(framesIn(Buffer.concat(shown))).toEqual({ o: 4 * MIB, r: 4 * MIB, x: 4 });
  expect(await served.exitCode).toBe(0);
});

/** How much of each kind there is. */
function framesIn(bytes: Buffer): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (let at = 0; at < bytes.length;) {
    const [letter, size] = [bytes.toString('latin1', at, at + 1), bytes.readUInt32LE(at + 1)];
    sizes[letter] = (sizes[letter] ?? 0) + size;
    at += 5 + size;
  }
  return sizes;
}

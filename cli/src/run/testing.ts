/** The CLI with a server, a terminal and a home in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, connect, ConnectOptions, Target } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import type { LogLine, MethodTable } from '@volt/shared/rpc';
import { onTestFinished } from 'vitest';
import type { Offline } from '../offline/index.ts';
import { FakeTerminal } from '../terminal/testing.ts';
import { run } from './run.ts';

export interface Asked {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly options: ConnectOptions;
  readonly target: Target;
}

export interface Streaming {
  readonly emit: (event: unknown) => Promise<void>;
  readonly input: AsyncIterable<unknown>;
  readonly signal: AbortSignal;
}

export type Answer = (asked: Asked, stream: Streaming) => unknown;

/** Answers by method name, and remembers what it was asked. A method without an answer is a server that is down. */
export class FakeServer {
  readonly asked: Asked[] = [];
  readonly answers: Record<string, Answer>;

  constructor(answers: Record<string, Answer> = {}) {
    this.answers = answers;
  }

  readonly connect: typeof connect = (target, _table, options) => {
    const answer = async (method: string, params: object, streaming: Streaming) => {
      const asked: Asked = { method, params: params as Asked['params'], options: options ?? {}, target };
      this.asked.push(asked);
      const found = this.answers[method];
      if (found === undefined)
        throw new VoltError('DAEMON', 'The agent does not answer', { hint: 'systemctl start volt.socket' });
      return await found(asked, streaming);
    };
    const client: Client<MethodTable> = {
      call: (method, params) => answer(method, params, noStream) as never,
      stream: (method, params, { onEvent, input, signal }) =>
        answer(method, params, {
          emit: async (event) => onEvent(event),
          input: input ?? noStream.input,
          signal: signal ?? noStream.signal,
        }) as never,
      close: () => {},
    };
    return client as never;
  };
}

const noStream: Streaming = {
  emit: async () => {},
  input: (async function* () {})(),
  signal: new AbortController().signal,
};

export const offlineWith = (answers: Offline['answers'], lines: readonly LogLine[] = []): Offline => ({
  answers,
  async *logs({ name }) {
    const own = lines.filter((line) => line.name === name);
    if (own.length === 0) throw new VoltError('NOT_FOUND', `There is no container '${name}'`);
    yield* own;
  },
});

export const now = new Date('2026-01-01T12:00:00Z');

export interface Given {
  readonly server?: FakeServer;
  readonly answers?: Record<string, Answer>;
  readonly offline?: Offline;
  readonly terminal?: FakeTerminal;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** XDG_CONFIG_HOME; a fresh one otherwise. */
  readonly home?: string;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volt-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs one command line, split at blanks unless it is given as words. */
export async function volt(line: string | readonly string[], given: Given = {}) {
  const server = given.server ?? new FakeServer(given.answers);
  const terminal = given.terminal ?? new FakeTerminal({ env: given.env ?? {} });
  terminal.env['XDG_CONFIG_HOME'] ??= given.home ?? temporaryFolder();
  const code = await run(typeof line === 'string' ? line.split(' ').filter(Boolean) : line, {
    terminal,
    connect: server.connect,
    offline: given.offline ?? offlineWith({}),
    now: () => now,
    signal: given.signal ?? new AbortController().signal,
  });
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text, asked: server.asked };
}

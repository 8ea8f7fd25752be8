import { expect, test } from 'vitest';
import type { ExecInput } from '@volt/shared/rpc';
import type { z } from 'zod';
import { relay, type Outcome } from './relay.ts';

type Input = z.output<typeof ExecInput>;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const hello = Buffer.from([0x6f, 2, 0, 0, 0, 0x68, 0x69]);
const exit = Buffer.from([0x78, 4, 0, 0, 0, 5, 0, 0, 0]);

/** With a console that shows `shown`, and then stays silent or is gone. */
async function relayed(given: {
  shown?: readonly Buffer[];
  stays?: boolean;
  input?: readonly Input[];
  stdin?: boolean;
}) {
  const { shown = [], stays = false, input = [], stdin = true } = given;
  const written: string[] = [];
  const printed: string[] = [];
  const line = {
    output: (async function* () {
      yield* shown;
      if (stays) await new Promise<never>(() => {});
    })(),
    write: async (data: Uint8Array) => void written.push(Buffer.from(data).toString('latin1')),
  };
  const io = {
    input: (async function* () {
      yield* input;
    })(),
    emit: async ({ stream, data }: { stream: string; data: string }) =>
      void printed.push(`${stream} ${Buffer.from(data, 'base64').toString()}`),
  };
  const outcome: Outcome = await relay(line, { stdin, columns: 80, rows: 24 }, io);
  return { outcome, written: written.map((text) => text[0]!), printed };
}

test('what is shown is passed on, until the exit code', async () =>
  expect(await relayed({ shown: [hello, exit] })).toMatchObject({
    outcome: { exitCode: 5 },
    printed: ['stdout hi'],
  }));

test('a console that is gone without a word has no exit code', async () =>
  expect((await relayed({ shown: [hello] })).outcome).toBeUndefined());

test('the size goes first; then what is typed, its end, and other sizes; leaving ends it', async () => {
  const input: Input[] = [
    { kind: 'stdin', data: base64('x') },
    { kind: 'resize', columns: 1, rows: 1 },
    { kind: 'eof' },
    { kind: 'detach' },
  ];
  const { outcome, written } = await relayed({ stays: true, input });
  expect(outcome).toBe('left');
  expect(written).toEqual(['w', 'i', 'w', 'e', 'd']);
});

test('without leave to type only sizes get through', async () => {
  const input: Input[] = [
    { kind: 'stdin', data: base64('x') },
    { kind: 'eof' },
    { kind: 'resize', columns: 1, rows: 1 },
    { kind: 'detach' },
  ];
  expect((await relayed({ stays: true, input, stdin: false })).written).toEqual(['w', 'w', 'd']);
});

test('input that fails ends it', async () => {
  const input = [{ kind: 'stdin' } as unknown as Input];
  await expect(relayed({ stays: true, input })).rejects.toThrow();
});

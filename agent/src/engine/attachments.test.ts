import { expect, test } from 'vitest';
import type { ExecInput } from '@volt/shared/rpc';
import type { z } from 'zod';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import { FakeDriver, image, imagesOf, networkOf, paths, spec, stillClock } from './testing.ts';

type Input = z.output<typeof ExecInput>;

const { signal } = new AbortController();
const watching = { stdin: true, columns: 80, rows: 24 };
const typed = (text: string): Input => ({ kind: 'stdin', data: Buffer.from(text).toString('base64') });

async function world(driver = new FakeDriver()) {
  const options = { files: new MemoryFiles(), images: imagesOf({ app: image() }), network: networkOf() };
  const access = new FakeAccess();
  const engine = new ContainerEngine({ ...options, driver, access, clock: stillClock, containers: paths.containers });
  await engine.recover(signal);
  return { driver, engine };
}

/** What a caller sends, and what it was shown. */
function caller(...input: readonly Input[]) {
  const shown: string[] = [];
  const items = async function* () {
    yield* input;
  };
  const emit = async ({ data }: { data: string }) => void shown.push(Buffer.from(data, 'base64').toString());
  return { shown, io: { input: items(), emit } };
}

test('what is run attached shows all, and ends with its code; --rm leaves nothing', async () => {
  const { engine } = await world();
  const { shown, io } = caller(typed('hello'), { kind: 'eof' });
  expect(await engine.attachments.runAttached(spec('box', { tty: true, rm: true }), watching, io, signal)).toBe(0);
  expect(shown).toEqual(['hello']);
  expect(await engine.list()).toEqual([]);
});

test('who leaves leaves it running, and can come back', async () => {
  const { engine } = await world();
  const { attachments } = engine;
  const leaving = caller({ kind: 'detach' });
  const wanted = spec('box', { interactive: true, rm: true });
  expect(await attachments.runAttached(wanted, watching, leaving.io, signal)).toBe(0);
  expect(await engine.list()).toMatchObject([{ name: 'box', state: 'running' }]);
  const back = caller(typed('again'), { kind: 'eof' });
  expect(await attachments.attach('box', watching, back.io, signal)).toBe(0);
  expect(back.shown).toEqual(['again']);
});

test('a start that fails fails with its reason, if nobody could watch', async () => {
  const { engine, driver } = await world();
  driver.broken.add('box');
  const run = engine.attachments.runAttached(spec('box', { tty: true }), watching, caller().io, signal);
  await expect(run).rejects.toMatchObject({ code: 'DEPENDENCY' });
});

test('there must be something to attach to, and it must run', async () => {
  const { engine } = await world();
  const { attachments } = engine;
  const { io } = caller();
  await expect(attachments.runAttached(spec('box'), watching, io, signal)).rejects.toMatchObject({ code: 'USAGE' });
  expect(await engine.list(), 'nothing was made').toEqual([]);
  await engine.create(spec('box', { tty: true }), signal);
  await expect(attachments.attach('box', watching, io, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(attachments.attach('ghost', watching, io, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('without a terminal or open input attaching ends as the program does', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('web'), signal);
  const attached = engine.attachments.attach('web', watching, caller().io, signal);
  driver.end('web', 4);
  expect(await attached).toBe(4);
  await engine.start('web', signal);
  const left = engine.attachments.attach('web', watching, caller({ kind: 'detach' }).io, signal);
  expect(await left).toBe(0);
});

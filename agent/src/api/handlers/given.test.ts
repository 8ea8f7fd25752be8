import type { Role } from '@volt/shared/server';
import { expect, test } from 'vitest';
import { MemoryFiles } from '../../host/testing.ts';
import { KeptFiles } from '../../secrets/index.ts';
import { givenHandlers } from './given.ts';

type Frame = { kind: 'data'; data: string } | { kind: 'eof' };

async function world() {
  const files = new MemoryFiles();
  const keep = (kind: 'secret' | 'config') =>
    new KeptFiles({
      kind,
      files,
      folder: `/var/lib/volt/${kind}s`,
      seal: async (_name, contents) => contents,
      usersOf: () => [],
      now: () => new Date(),
    });
  const given = { secrets: keep('secret'), configs: keep('config') };
  await given.secrets.load();
  await given.configs.load();
  return givenHandlers(given);
}

/** As much of a call as these handlers look at, for a row of any shape. */
function call(role: Role, ...frames: Frame[]): never {
  const input = (async function* () {
    yield* frames;
  })();
  return { caller: { name: 'joe', uid: 1000, roles: [role] }, input, signal: new AbortController().signal } as never;
}

const data = (text: string): Frame => ({ kind: 'data', data: Buffer.from(text).toString('base64') });
const eof: Frame = { kind: 'eof' };
const given = { name: 'db', labels: {} };

test('no answer about a secret has what is in it', async () => {
  const handlers = await world();
  const answers = [
    await handlers['secret.create'](given, call('admin', data('hun'), data('ter2'), eof)),
    await handlers['secret.update'](given, call('admin', data('hunter2'), eof)),
    await handlers['secret.inspect'](given, call('admin')),
    await handlers['secret.list']({}, call('admin')),
  ];
  expect(answers).toMatchObject([{ bytes: 7 }, { bytes: 7 }, { bytes: 7 }, [{ name: 'db' }]]);
  expect(JSON.stringify(answers)).not.toMatch(/hunter2|aHVudGVyMg/);
});

test('a config is shown to who may change it', async () => {
  const handlers = await world();
  await handlers['config.create'](given, call('admin', data('colour: blue'), eof));
  expect(await handlers['config.inspect'](given, call('admin'))).toMatchObject({ text: 'colour: blue' });
  expect(await handlers['config.inspect'](given, call('reader'))).toMatchObject({ text: null, bytes: 12 });
});

test('what is no text is not shown as one', async () => {
  const handlers = await world();
  await handlers['config.create'](given, call('admin', data('a\0b'), eof));
  expect(await handlers['config.inspect'](given, call('admin'))).toMatchObject({ text: null, bytes: 3 });
});

test('contents that were cut short make nothing, and change nothing', async () => {
  const handlers = await world();
  await expect(handlers['secret.create'](given, call('admin', data('hun')))).rejects.toThrow('without its end mark');
  expect(await handlers['secret.list']({}, call('admin'))).toEqual([]);
  await handlers['secret.create'](given, call('admin', data('hunter2'), eof));
  await expect(handlers['secret.update'](given, call('admin', data('x')))).rejects.toThrow('without its end mark');
  expect(await handlers['secret.inspect'](given, call('admin'))).toMatchObject({ bytes: 7 });
});

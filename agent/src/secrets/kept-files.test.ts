import { expect, test } from 'vitest';
import { MemoryFiles } from '../host/testing.ts';
import { collect, KeptFiles } from './index.ts';

const folder = '/var/lib/volt/secrets';
const bytes = (text: string) => new TextEncoder().encode(text);
const at = '2026-01-01T00:00:00.000Z';

async function world({ users = [] as string[], files = new MemoryFiles() } = {}) {
  const seal = async (name: string, contents: Uint8Array) => `sealed ${name} ${contents.byteLength}`;
  const clock = { now: new Date(at) };
  const kept = new KeptFiles({ kind: 'secret', files, folder, seal, usersOf: () => users, now: () => clock.now });
  await kept.load();
  return { kept, files, users, clock };
}

test('what is kept is what the seal makes of it, for root alone, and is not told', async () => {
  const { kept, files } = await world();
  const told = await kept.create({ name: 'db', labels: { team: 'web' } }, bytes('s3cret'));
  expect(told).toEqual({ name: 'db', labels: { team: 'web' }, bytes: 6, createdAt: at, updatedAt: at, usedBy: [] });
  expect(await files.read(`${folder}/db.contents`)).toBe('sealed db 6');
  expect(files.entries.get(`${folder}/db.contents`)).toMatchObject({ mode: 0o600 });
  expect(files.entries.get(folder)).toMatchObject({ mode: 0o700 });
  expect(JSON.stringify([...files.entries.values()])).not.toContain('s3cret');
});

test('a second one of a name is refused, and one that is not there cannot be changed', async () => {
  const { kept } = await world();
  await kept.create({ name: 'db', labels: {} }, bytes('a'));
  await expect(kept.create({ name: 'db', labels: {} }, bytes('b'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(kept.update('dc', bytes('b'))).rejects.toMatchObject({ code: 'NOT_FOUND', hint: "did you mean 'db'?" });
  expect(() => kept.require('dc')).toThrow("There is no secret 'dc'");
});

test('an update keeps when it was made, and is there after a restart of the agent', async () => {
  const { kept, files, clock } = await world();
  await kept.create({ name: 'db', labels: {} }, bytes('a'));
  clock.now = new Date('2026-01-02T00:00:00.000Z');
  await kept.update('db', bytes('longer'));
  const again = await world({ files });
  expect(again.kept.list()).toMatchObject([
    { name: 'db', bytes: 6, createdAt: at, updatedAt: '2026-01-02T00:00:00.000Z' },
  ]);
  expect(again.kept.updatedAt('db')).toBe('2026-01-02T00:00:00.000Z');
});

test('one that a container has is not deleted, and it says whose it is', async () => {
  const { kept, users } = await world({ users: ['web', 'shop'] });
  await kept.create({ name: 'db', labels: {} }, bytes('a'));
  await expect(kept.delete('db')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: "Containers have the secret 'db': web, shop",
  });
  users.length = 0;
  expect(await kept.delete('db')).toEqual({ name: 'db', deleted: true });
  expect(await kept.delete('db')).toEqual({ name: 'db', deleted: false });
});

test('once it is being deleted nobody can ask for it any more', async () => {
  const { kept } = await world();
  await kept.create({ name: 'db', labels: {} }, bytes('a'));
  const deleting = kept.delete('db');
  expect(() => kept.require('db')).toThrow('There is no secret');
  await deleting;
});

test('two changes of one name do not mix', async () => {
  const { kept } = await world();
  const first = kept.create({ name: 'db', labels: {} }, bytes('a'));
  await expect(kept.create({ name: 'db', labels: {} }, bytes('b'))).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await first).toMatchObject({ bytes: 1 });
});

test('what a create that was cut short has left is gone after the next start', async () => {
  const files = new MemoryFiles();
  await files.makeFolder(folder, { mode: 0o700 });
  await files.write(`${folder}/half.contents`, 'sealed', { mode: 0o600 });
  await files.write(`${folder}/db.contents.0a1b.tmp`, 'sea', { mode: 0o600 });
  await files.write(`${folder}/bad.json`, '{', { mode: 0o600 });
  await files.write(`${folder}/bad.contents`, 'sealed', { mode: 0o600 });
  const { kept } = await world({ files });
  expect(kept.list()).toEqual([]);
  expect(await files.list(folder), 'of one whose record is damaged a container may still live').toEqual([
    'bad.contents',
    'bad.json',
  ]);
});

test('what is given ends at a mebibyte, and is something', async () => {
  const chunks = async function* (...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size);
  };
  expect((await collect(chunks(1024 * 1024))).byteLength).toBe(1024 * 1024);
  await expect(collect(chunks(1024 * 1024, 1))).rejects.toMatchObject({ code: 'USAGE' });
  await expect(collect(chunks())).rejects.toThrow('There is nothing');
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { tarOf } from '../tar/testing.ts';
import { fillFolder, listing, signal, silent, tempVolumes, userOf } from './testing.ts';

async function* streamOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const collect = async (chunks: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(chunks));

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (thrown: { code: string }) => thrown.code,
  );

const spec = (name: string, size?: string) => ({ name, labels: {}, ...(size !== undefined && { size }) });

test('a volume is there after the agent was started again, with what was said of it', async () => {
  const { volumes, restarted, folder } = await tempVolumes();
  await volumes.create({ name: 'data', labels: { app: 'shop' }, size: '1G' });
  const [found] = (await restarted()).list();
  expect(found).toEqual({
    name: 'data',
    labels: { app: 'shop' },
    size: '1G',
    isAnonymous: false,
    usedBy: [],
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  expect(fs.statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
});

test('a name that is taken is refused, by a folder of somebody else too', async () => {
  const { volumes, folder } = await tempVolumes();
  await volumes.create(spec('data'));
  fs.mkdirSync(join(folder, 'mine'));
  expect(await code(volumes.create(spec('data')))).toBe('ALREADY_EXISTS');
  expect(await code(volumes.create(spec('mine')))).toBe('ALREADY_EXISTS');
  expect(await code(volumes.clone('data', 'mine', silent, signal))).toBe('ALREADY_EXISTS');
  expect(fs.readdirSync(folder).toSorted()).toEqual(['data', 'mine']);
});

describe('in use', () => {
  test('it is not deleted, and it is said by whom', async () => {
    const { volumes, users, folder } = await tempVolumes();
    await volumes.create(spec('data'));
    users.push(userOf('web', 'data'), userOf('db', 'data', '/var'));
    await expect(volumes.delete('data')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: "Volume 'data' is in use by web, db",
    });
    expect(await volumes.prune(false)).toEqual([]);
    expect(fs.readdirSync(folder)).toEqual(['data']);
    expect(await volumes.inspect('data')).toMatchObject({
      usedBy: ['web', 'db'],
      users: [
        { container: 'web', target: '/data', readOnly: false },
        { container: 'db', target: '/var', readOnly: false },
      ],
    });
    users.length = 0;
    expect(await volumes.delete('data')).toEqual({ name: 'data', deleted: true });
    expect(await volumes.delete('data')).toEqual({ name: 'data', deleted: false });
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('it is not deleted while it is read', async () => {
    const { volumes } = await tempVolumes();
    await volumes.create(spec('data'));
    const archive = volumes.export('data', signal);
    await archive.next();
    expect(await code(volumes.delete('data'))).toBe('CONFLICT');
    await archive.return(undefined);
    expect(await volumes.delete('data')).toMatchObject({ deleted: true });
  });
});

test('what nobody has is pruned, and told first', async () => {
  const { volumes, users } = await tempVolumes();
  for (const name of ['a', 'b', 'c']) await volumes.create(spec(name));
  users.push(userOf('web', 'b'));
  const told = await volumes.prune(true);
  expect(told.map(({ name }) => name)).toEqual(['a', 'c']);
  expect(told[0]?.sizeBytes).toBeTypeOf('number');
  expect(volumes.list()).toHaveLength(3);
  expect((await volumes.prune(false)).map(({ name }) => name)).toEqual(['a', 'c']);
  expect(volumes.list().map(({ name }) => name)).toEqual(['b']);
});

describe.runIf(process.getuid?.() === 0)('files', () => {
  test('that go out as an archive come back as they were', async () => {
    const { volumes, folder } = await tempVolumes();
    await volumes.create(spec('data'));
    fillFolder(join(folder, 'data/data'));
    const archive = await collect(volumes.export('data', signal));
    await volumes.import(spec('copy'), streamOf(gzipSync(archive)), silent, signal);
    expect(listing(join(folder, 'copy/data'))).toBe(listing(join(folder, 'data/data')));
  });

  test('that are cloned are the same, holes included', async () => {
    const { volumes, folder } = await tempVolumes();
    await volumes.create(spec('data'));
    fillFolder(join(folder, 'data/data'));
    await volumes.clone('data', 'copy', silent, signal);
    expect(listing(join(folder, 'copy/data'))).toBe(listing(join(folder, 'data/data')));
    expect(fs.statSync(join(folder, 'copy/data/holes')).blocks).toBeLessThan(100);
  });

  test('of an image fill a volume that is empty, with the folder as it is there', async () => {
    const { volumes, folder, users } = await tempVolumes();
    const archive = tarOf({ name: './', flag: '5', mode: 0o750 }, { name: 'file', contents: 'of the image' });
    const mounts = [{ type: 'volume', source: 'data', target: '/data', readOnly: false }] as const;
    users.push({ container: 'web', mounts });
    const asked: string[] = [];
    const fromImage = (path: string) => {
      asked.push(path);
      return streamOf(archive);
    };
    expect(await volumes.ensure({ container: 'web', mounts, fromImage }, signal)).toEqual(['data']);
    expect(fs.readFileSync(join(folder, 'data/data/file'), 'utf8')).toBe('of the image');
    expect(fs.statSync(join(folder, 'data/data')).mode & 0o777).toBe(0o750);
    fs.writeFileSync(join(folder, 'data/data/file'), 'changed');
    expect(await volumes.ensure({ container: 'web', mounts, fromImage }, signal)).toEqual([]);
    expect(fs.readFileSync(join(folder, 'data/data/file'), 'utf8')).toBe('changed');
    expect(asked).toEqual(['/data']);
  });
});

test('an empty volume that another container has is not filled: that one would not see it', async () => {
  const { volumes, users } = await tempVolumes();
  const mounts = [{ type: 'volume', source: 'data', target: '/data', readOnly: false }] as const;
  await volumes.create(spec('data'));
  users.push({ container: 'web', mounts }, { container: 'other', mounts });
  const fromImage = () => expect.unreachable('nothing of the image is asked for');
  await volumes.ensure({ container: 'web', mounts, fromImage }, signal);
});

test('when one volume of a container cannot be made, there is none of those that were', async () => {
  const { volumes, users, folder } = await tempVolumes();
  await volumes.create(spec('kept'));
  fs.mkdirSync(join(folder, 'taken'));
  const mounts = ['kept', 'one', 'taken'].map((source) => ({
    type: 'volume' as const,
    source,
    target: `/${source}`,
    readOnly: false,
  }));
  users.push({ container: 'web', mounts });
  const made = volumes.ensure({ container: 'web', mounts, fromImage: () => undefined }, signal);
  expect(await code(made)).toBe('ALREADY_EXISTS');
  expect(volumes.list().map(({ name }) => name)).toEqual(['kept']);
});

test('a broken archive in the middle leaves nothing', async () => {
  const { volumes, folder } = await tempVolumes();
  const archive = tarOf({ name: 'a', contents: 'a' }, { name: '../b', contents: 'b' });
  expect(await code(volumes.import(spec('data'), streamOf(archive), silent, signal))).toBe('INVALID_CONFIG');
  expect(fs.readdirSync(folder)).toEqual([]);
});

test('an import that does not go on keeps nobody waiting, and whoever is done first has the name', async () => {
  const { volumes, users, folder } = await tempVolumes();
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* slow() {
    await promise;
    yield tarOf({ name: 'a', contents: 'a' });
  }
  const waiting = code(volumes.import(spec('data'), slow(), silent, signal));
  const mounts = userOf('web', 'data').mounts;
  users.push({ container: 'web', mounts });
  expect(await volumes.ensure({ container: 'web', mounts, fromImage: () => undefined }, signal)).toEqual(['data']);
  resolve();
  expect(await waiting).toBe('ALREADY_EXISTS');
  expect(fs.readdirSync(folder)).toEqual(['data']);
});

describe('after the agent was killed', () => {
  test('what was half made or half deleted is gone, and so are volumes of containers that are', async () => {
    const { volumes, users, folder, restarted } = await tempVolumes();
    await volumes.create(spec('data'));
    for (const name of ['.new-1-2-3', '.deleted-1-2-3', 'data/data.new']) {
      fs.mkdirSync(join(folder, name, 'data'), { recursive: true });
    }
    const mounts = ['anonymous-1', 'anonymous-2'].map((source) => ({
      ...{ type: 'volume' as const, source, target: `/${source}`, readOnly: false, isAnonymous: true },
    }));
    users.push({ container: 'web', mounts });
    await volumes.ensure({ container: 'web', mounts, fromImage: () => undefined }, signal);
    users[0] = { container: 'web', mounts: mounts.slice(1) };
    expect((await restarted()).list().map(({ name }) => name)).toEqual(['anonymous-2', 'data']);
    expect(fs.readdirSync(folder).toSorted()).toEqual(['anonymous-2', 'data']);
    expect(fs.readdirSync(join(folder, 'data')).toSorted()).toEqual(['data', 'volume.json']);
  });

  test('a record that is damaged stops it', async () => {
    const { volumes, folder, restarted } = await tempVolumes();
    await volumes.create(spec('data'));
    fs.writeFileSync(join(folder, 'data/volume.json'), '{');
    expect(await code(restarted())).toBe('INVALID_CONFIG');
  });
});

describe('a size', () => {
  test('is a limit of the file system, with a number of its own', async () => {
    const { volumes, limits, restarted } = await tempVolumes();
    await volumes.create(spec('a', '1M'));
    await volumes.create(spec('b', '2M'));
    expect([...limits.values()]).toEqual([1024 ** 2, 2 * 1024 ** 2]);
    const again = await restarted();
    await again.clone('a', 'c', silent, signal);
    expect([...limits.values()]).toEqual([1024 ** 2, 2 * 1024 ** 2, 1024 ** 2]);
  });

  test('is refused where the file system cannot enforce it', async () => {
    const { volumes, folder } = await tempVolumes({ hasQuotas: false });
    expect(await code(volumes.create(spec('a', '1M')))).toBe('DEPENDENCY');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('holds for what is unpacked, though root unpacks', async () => {
    const { volumes } = await tempVolumes();
    const archive = tarOf({ name: 'big', contents: Buffer.alloc(2 * 1024 * 1024, 1) });
    expect(await code(volumes.import(spec('a', '1M'), streamOf(archive), silent, signal))).toBe('INVALID_CONFIG');
    await volumes.import(spec('a', '3M'), streamOf(archive), silent, signal);
  });
});

import { expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import type { GivenKeeper } from './surroundings.ts';
import { FakeDriver, image, imagesOf, networkOf, spec, stillClock } from './testing.ts';

const { signal } = new AbortController();

async function world() {
  const files = new MemoryFiles();
  await files.makeFolder('/dev', { mode: 0o755 });
  await files.write('/dev/fuse', '', { mode: 0o666 });
  const changed = new Map<string, string>([['db', '2020-01-01T00:00:00.000Z']]);
  const given: GivenKeeper = {
    require: (kind, name) => {
      if (!changed.has(name)) throw new VoltError('NOT_FOUND', `There is no ${kind} '${name}'`);
    },
    updatedAt: (_kind, name) => changed.get(name),
  };
  const passwd = 'root:x:0:0::/:/bin/sh\nwww:x:33:34::/:/bin/sh\n';
  const images = imagesOf({ app: image() }, { 'etc/passwd': passwd, 'etc/group': '' });
  /** What others do while a container is made. */
  const meanwhile = { act: () => {} };
  const engine = new ContainerEngine({
    files,
    given,
    driver: new FakeDriver(),
    clock: stillClock,
    images: { ...images, ensureLower: (tree, stop) => (meanwhile.act(), images.ensureLower(tree, stop)) },
    network: networkOf(),
    containers: '/var/lib/volt/containers',
    access: {} as never,
  });
  return { engine, changed, meanwhile };
}

test('a secret, config or device that is not there makes no container', async () => {
  const { engine } = await world();
  const make = (given: object) => engine.create(spec('web', given), signal);
  await expect(make({ secrets: ['dc'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(make({ configs: ['dc'] })).rejects.toThrow("There is no config 'dc'");
  await expect(make({ devices: ['kvm'] })).rejects.toThrow("This machine has no device '/dev/kvm'");
  await expect(make({ secrets: ['db:/x', 'db:/x'] })).rejects.toThrow("Two things are to be at '/x'");
  expect(await engine.list()).toEqual([]);
  await make({ secrets: ['db'], devices: ['fuse'] });
});

test('a secret that is deleted while a container is made is not given to it', async () => {
  const { engine, changed, meanwhile } = await world();
  meanwhile.act = () => void changed.delete('db');
  await expect(engine.create(spec('web', { secrets: ['db'] }), signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await engine.list()).toEqual([]);
});

test('what cannot be made does not take the place of what runs', async () => {
  const { engine } = await world();
  const assignment = { workload: 'web', instance: 'web-0', generation: 1, exclusive: false };
  const wanted = (given: object, generation: number) => {
    const { manifest, tree } = image();
    return { spec: spec('web-0', given), image: { manifest, tree }, assignment: { ...assignment, generation } };
  };
  await engine.ensure(wanted({ secrets: ['db'] }, 1), signal);
  await expect(engine.ensure(wanted({ secrets: ['dc'] }, 2), signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await engine.list()).toMatchObject([{ name: 'web-0', state: 'running' }]);
});

test('who has a secret is known while the container is made', async () => {
  const { engine } = await world();
  const made = engine.create(spec('web', { secrets: ['db'] }), signal);
  await expect.poll(() => engine.specs().map(({ name }) => name)).toEqual(['web']);
  await made;
  expect(engine.specs()).toHaveLength(1);
});

test('a secret that was changed since the start waits for the next one', async () => {
  const { engine, changed } = await world();
  await engine.run(spec('web', { secrets: ['db', 'db:/etc/db'] }), signal);
  expect((await engine.inspect('web')).pendingRestart).toBeUndefined();
  changed.set('db', '2030-01-01T00:00:00.000Z');
  expect((await engine.inspect('web')).pendingRestart).toEqual(['secret db']);
  await engine.stop('web', undefined, signal);
  expect((await engine.inspect('web')).pendingRestart).toBeUndefined();
});

test('user and folder of the caller win over those of the image', async () => {
  const { engine } = await world();
  await engine.create(spec('web', { user: 'www', workdir: '/srv' }), signal);
  expect((await engine.inspect('web')).config).toMatchObject({ user: '33:34:', workdir: '/srv' });
  await expect(engine.create(spec('other', { user: 'nobody' }), signal)).rejects.toThrow("no user 'nobody'");
});

test('labels and the restart policy are changed of what runs; only the latter is read by systemd', async () => {
  const files = new MemoryFiles();
  const driver = new FakeDriver();
  const engine = new ContainerEngine({
    files,
    driver,
    clock: stillClock,
    images: imagesOf({ app: image() }),
    network: networkOf(),
    containers: '/c',
    access: {} as never,
  });
  await engine.run(spec('web'), signal);
  await engine.update('web', { labels: { team: 'web' } }, signal);
  expect(driver.rereads).toEqual([]);
  await engine.update('web', { restart: 'always' }, signal);
  expect(driver.rereads).toEqual(['web']);
  expect((await engine.inspect('web')).config.spec).toMatchObject({ restart: 'always', labels: { team: 'web' } });
});

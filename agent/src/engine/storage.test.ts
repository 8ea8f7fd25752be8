import { expect, test } from 'vitest';
import type { Mount } from '@volt/shared/model';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import { mountsOf, type VolumeKeeper } from './storage.ts';
import { FakeDriver, image, imagesOf, networkOf, paths, spec, stillClock } from './testing.ts';

const { signal } = new AbortController();

const volume = (source: string, target: string): Mount => ({ type: 'volume', source, target, readOnly: false });

test('a volume that the image declares is the container’s own, unless something else is at its path', () => {
  const asked = spec('web', { volumes: ['data:/data', '/cache'], tmpfs: ['/tmp'] });
  let made = 0;
  const mounts = mountsOf(asked, ['/data/', '/tmp', '/logs', '/proc/x'], () => `own-${++made}`);
  expect(mounts).toEqual([
    { ...volume('own-1', '/cache'), isAnonymous: true },
    volume('data', '/data'),
    { ...volume('own-2', '/logs'), isAnonymous: true },
    { type: 'tmpfs', target: '/tmp', mode: '1777' },
  ]);
});

test('two things at one path are refused', () => {
  const asked = spec('web', { volumes: ['a:/data'], mounts: ['source=b,target=/data/'] });
  expect(() => mountsOf(asked, [], () => 'own')).toThrow("Two things are to be at '/data'");
});

/** An engine, and volumes that only exist by name. */
async function world() {
  const there = new Set<string>();
  const broken = { ensure: false };
  const driver = new FakeDriver();
  const users = () => engine.mounted().flatMap(({ mounts }) => mounts.map((one) => 'source' in one && one.source));
  const volumes: VolumeKeeper = {
    look: async (mounts) => [...mounts],
    ensure: async ({ mounts = [] }) => {
      if (broken.ensure) throw new Error('broken');
      const names = mounts.flatMap((one) => (one.type === 'volume' && !there.has(one.source) ? [one.source] : []));
      for (const name of names) there.add(name);
      return names;
    },
    discard: async (names) => {
      for (const name of names) if (!users().includes(name)) there.delete(name);
    },
  };
  const engine: ContainerEngine = new ContainerEngine({
    ...{ files: new MemoryFiles(), driver, clock: stillClock, network: networkOf(), access: new FakeAccess() },
    images: imagesOf({ app: image({ volumes: ['/own'] }) }),
    containers: paths.containers,
    volumes,
  });
  await engine.recover(signal);
  return { engine, there, broken, driver };
}

test('volumes of its own go with the container, others stay', async () => {
  const { engine, there } = await world();
  await engine.create(spec('web', { volumes: ['data:/data'] }), signal);
  expect(there.size).toBe(2);
  const [{ mounts } = { mounts: [] }] = engine.mounted();
  expect(mounts.map(({ target }) => target)).toEqual(['/data', '/own']);
  await engine.delete('web', false, signal);
  expect([...there]).toEqual(['data']);
});

test('a container that cannot be made leaves no volume that it would have had, but those that were there', async () => {
  const { engine, there, driver } = await world();
  there.add('old');
  driver.install = async () => {
    throw new Error('broken');
  };
  await expect(engine.create(spec('web', { volumes: ['old:/old', 'new:/new'] }), signal)).rejects.toThrow('broken');
  expect([...there]).toEqual(['old']);
  expect(engine.mounted()).toEqual([]);
});

test('a container whose volumes cannot be made is not there', async () => {
  const { engine, broken } = await world();
  broken.ensure = true;
  await expect(engine.create(spec('web'), signal)).rejects.toThrow('broken');
  expect(await engine.list()).toEqual([]);
});

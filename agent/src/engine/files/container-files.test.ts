import { describe, expect, test, vi } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { Died, Life, mortal, MemoryFiles } from '../../host/testing.ts';
import { ContainerEngine } from '../container-engine.ts';
import { FakeDriver, image, imagesOf, networkOf, paths, spec, stillClock } from '../testing.ts';
import { FakeAccess } from './fake-access.ts';
import { chunksOf, entry, streamOf } from './testing.ts';

const { signal } = new AbortController();

async function world() {
  const driver = new FakeDriver();
  const files = new MemoryFiles();
  const access = new FakeAccess();
  const images = imagesOf({ app: image() });
  const rest = { clock: stillClock, images, network: networkOf(), containers: paths.containers };
  const startAgent = async (life = new Life()) => {
    const engine = new ContainerEngine({ ...rest, files: mortal(files, life), driver: mortal(driver, life), access });
    return engine;
  };
  const engine = await startAgent();
  await engine.recover(signal);
  const stateOf = (name: string) => driver.host.get(name)?.state;
  return { driver, files, access, images, engine, startAgent, stateOf };
}

const commit = { image: 'app:2', change: [], pause: true };
const ignore = async () => {};

describe('where files are reached', () => {
  test('of one that runs or is paused, as its programs do', async () => {
    const { engine, access } = await world();
    await engine.run(spec('web'), signal);
    access.says.set('look', { stdout: streamOf(entry('dir', '/etc')) });
    expect(await engine.files.look('web', { path: '/etc', follow: false }, signal)).toMatchObject({ type: 'dir' });
    await engine.controls.pause('web', signal);
    await engine.files.look('web', { path: '/etc', follow: false }, signal);
    expect(access.asked).toEqual(['inside web: look /etc', 'inside web: look /etc']);
  });

  test('of one that is down, in its root, and nothing else happens to it meanwhile', async () => {
    const { engine, access, stateOf } = await world();
    await engine.create(spec('web'), signal);
    let starting: Promise<unknown> | undefined;
    access.during = async () => {
      starting ??= engine.start('web', signal);
      await new Promise((resolve) => setImmediate(resolve));
      expect(stateOf('web')).toBe('created');
    };
    access.says.set('look', { code: 10, stderr: "volt: look at '/x': No such file or directory\n" });
    expect(await engine.files.look('web', { path: '/x', follow: false }, signal)).toBeNull();
    expect(access.asked).toEqual(['at rest web: look /x']);
    await starting;
    expect(stateOf('web')).toBe('running');
  });

  test.each(['/tmp/x', '/proc', '/run/../dev/shm', '/data/x'])('of one that is down, not %s', async (path) => {
    const { engine, access } = await world();
    const mount = { type: 'tmpfs', target: '/data', mode: '1777' } as const;
    await engine.create(spec('web', { tmpfs: [mount.target] }), signal);
    const archive = { path, keepOwner: false, source: chunksOf() };
    await expect(engine.files.unpack('web', archive, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(access.asked).toEqual([]);
  });

  test('a link is gone after as far as it leads, and not in a circle', async () => {
    const { engine, access } = await world();
    await engine.run(spec('web'), signal);
    access.says.set('look', { stdout: streamOf(entry('symlink', '/a/l', { linkName: 'l' })) });
    const look = engine.files.look('web', { path: '/a/l', follow: true }, signal);
    await expect(look).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(new Set(access.asked)).toEqual(new Set(['inside web: look /a/l']));
  });
});

test.each([
  [10, 'NOT_FOUND'],
  [11, 'PERMISSION'],
  [12, 'CONFLICT'],
  [13, 'RESOURCE'],
  [14, 'DEPENDENCY'],
  [125, 'DEPENDENCY'],
  [137, 'CONFLICT'],
] as const)('an end with %i is %s', async (code, expected) => {
  const { engine, access } = await world();
  await engine.run(spec('web'), signal);
  for (const verb of ['pack', 'unpack']) access.says.set(verb, { code, stderr: "volt: read 'x\u001b': no\n" });
  const pack = engine.files.pack('web', { path: '/x', as: 'x', follow: false, keepOwner: false }, ignore, signal);
  const refused = expect.objectContaining({ code: expected, message: expect.not.stringContaining('\u001b') });
  await expect(pack).rejects.toEqual(refused);
  const archive = { path: '/x', keepOwner: false, source: chunksOf(Buffer.alloc(1024)) };
  await expect(engine.files.unpack('web', archive, signal)).rejects.toEqual(refused);
});

describe('holding still', () => {
  const whole = { stdout: streamOf(entry('dir', '.')) };

  test('a container that runs stands still while it becomes an image, and goes on', async () => {
    const { engine, access, images, stateOf } = await world();
    await engine.run(spec('web'), signal);
    access.says.set('list', whole).set('each', whole);
    const states: unknown[] = [];
    vi.spyOn(images, 'commit').mockImplementation(async ({ name }, changes) => {
      const before = stateOf('web');
      const { source } = await changes();
      const meanwhile = stateOf('web');
      for await (const _ of source);
      states.push([before, meanwhile, stateOf('web')]);
      return { name, digest: 'c'.repeat(64), sizeBytes: 0, files: 0, createdAt: new Date(0).toISOString() };
    });
    await engine.files.commit('web', commit, ignore, signal);
    await engine.files.commit('web', { ...commit, pause: false }, ignore, signal);
    expect(states).toEqual([
      ['running', 'paused', 'running'],
      ['running', 'running', 'running'],
    ]);
    expect(stateOf('web')).toBe('running');
  });

  test('it goes on whatever fails, and one that somebody had paused stays so', async () => {
    const { engine, access, images, stateOf } = await world();
    access.says.set('list', whole).set('each', whole);
    await engine.run(spec('web'), signal);
    vi.spyOn(images, 'commit').mockImplementation(async (_image, changes) => {
      await changes();
      expect(stateOf('web')).toBe('paused');
      throw new VoltError('RESOURCE', 'The disk is full');
    });
    await expect(engine.files.commit('web', commit, ignore, signal)).rejects.toThrow('The disk is full');
    expect(stateOf('web')).toBe('running');
    await engine.controls.pause('web', signal);
    await expect(engine.files.commit('web', commit, ignore, signal)).rejects.toThrow('The disk is full');
    expect(stateOf('web')).toBe('paused');
  });

  test('what cannot be understood is refused before it stands still', async () => {
    const { engine, driver } = await world();
    await engine.run(spec('web'), signal);
    const pause = vi.spyOn(driver, 'pause');
    const refused = engine.files.commit('web', { ...commit, change: ['RUN x'] }, ignore, signal);
    await expect(refused).rejects.toMatchObject({ code: 'USAGE' });
    expect(pause).not.toHaveBeenCalled();
  });

  test('an agent that starts lets go on what one that was killed held still, at whichever step', async () => {
    for (let last = 1; last < 30; last++) {
      const { engine, access, startAgent, stateOf, files } = await world();
      access.says.set('list', whole).set('each', whole);
      await engine.run(spec('web'), signal);
      const life = new Life();
      const dying = await startAgent(life);
      await dying.recover(signal);
      const before = life.calls;
      const killed = new Life(before + last);
      const victim = await startAgent(killed);
      await victim.recover(signal);
      const ended = await victim.files.commit('web', commit, ignore, signal).then(
        () => 'done',
        (thrown: unknown) => thrown,
      );
      await (await startAgent()).recover(signal);
      expect(stateOf('web'), `killed at step ${last}`).toBe('running');
      expect(await files.exists(`${paths.containers}/web/held-still`)).toBe(false);
      if (ended === 'done') return expect(last).toBeGreaterThan(4);
      expect(ended).toBeInstanceOf(Died);
    }
    throw new Error('It never came to its end');
  });
});

describe('a copy of a container', () => {
  test('has its settings, and a name, an address and users of its own', async () => {
    const { engine, access, driver, stateOf } = await world();
    await engine.run(spec('web', { env: { A: '1' }, memory: '64M' }), signal);
    access.during = async () => void expect(stateOf('web')).toBe('paused');
    const copy = await engine.files.clone('web', { to: 'shop', start: true }, signal);
    expect(copy).toMatchObject({ name: 'shop', state: 'running', address: '10.0.0.3' });
    expect(access.asked).toEqual(['copy web shop', 'settle shop']);
    expect(stateOf('web')).toBe('running');
    const [one, other] = ['web', 'shop'].map((name) => driver.installed.get(name)!.config);
    expect(other!.spec).toEqual({ ...one!.spec, name: 'shop' });
    expect(other!.userns.base).not.toBe(one!.userns.base);
    expect(other!.id).not.toBe(one!.id);
  });

  test('a name that is taken is refused, and nothing is copied', async () => {
    const { engine, access } = await world();
    await engine.create(spec('web'), signal);
    await engine.create(spec('shop'), signal);
    const clone = engine.files.clone('web', { to: 'shop', start: false }, signal);
    await expect(clone).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(access.asked).toEqual([]);
  });

  test('of which the files cannot be copied is not there', async () => {
    const { engine, access, files, stateOf } = await world();
    await engine.run(spec('web'), signal);
    access.during = async () => Promise.reject(new VoltError('RESOURCE', 'The disk is full'));
    const clone = engine.files.clone('web', { to: 'shop', start: false }, signal);
    await expect(clone).rejects.toThrow('The disk is full');
    expect((await engine.list()).map(({ name }) => name)).toEqual(['web']);
    expect(await files.exists(`${paths.containers}/shop/config.json`)).toBe(false);
    expect(stateOf('web')).toBe('running');
  });
});

test('an image is made of what was changed, named one after the other, and of what is gone', async () => {
  const { engine, access, images } = await world();
  await engine.run(spec('web'), signal);
  vi.spyOn(images, 'tree').mockReturnValue([
    { path: '', type: 'dir' },
    { path: 'etc', type: 'dir' },
    { path: 'etc/old', type: 'file' },
  ] as unknown as ReturnType<typeof images.tree>);
  const upper = [entry('dir', '.'), entry('file', './etc.new'), entry('dir', './etc')];
  const stream = streamOf(...upper, entry('chardev', './etc/old'), entry('file', './etc/new'));
  access.says.set('list', { stdout: stream }).set('each', { stdout: streamOf(entry('dir', '.')) });
  let removed: readonly string[] = [];
  const made = vi.spyOn(images, 'commit').mockImplementation(async ({ name }, changes) => {
    const { source, ...rest } = await changes();
    removed = rest.removed;
    for await (const _ of source);
    return { name, digest: 'c'.repeat(64), sizeBytes: 0, files: 0, createdAt: new Date(0).toISOString() };
  });
  await engine.files.commit('web', commit, ignore, signal);
  expect(made.mock.calls[0]![0].tree).toHaveLength(3);
  expect(removed).toEqual(['etc/old']);
  await vi.waitFor(() => expect(access.input.length).toBeGreaterThan(0));
  const names = ['.', 'etc', 'etc/new', 'etc.new'];
  expect(access.input).toEqual(
    Buffer.concat([...names.flatMap((name) => [Buffer.from([name.length, 0]), Buffer.from(name)]), Buffer.alloc(2)]),
  );
});

test('an image that a container is being made of is in use', async () => {
  const { engine, images } = await world();
  const ready = Promise.withResolvers<string>();
  const laidOut = vi.spyOn(images, 'ensureLower').mockReturnValueOnce(ready.promise);
  const created = engine.create(spec('web'), signal);
  await vi.waitFor(() => expect(laidOut).toHaveBeenCalled());
  const { manifest, tree } = image();
  expect(engine.inUse()).toMatchObject([{ name: 'web', image: { manifest, tree } }]);
  expect(await engine.list()).toEqual([]);
  ready.resolve('/lower/app');
  await created;
  expect(engine.inUse()).toMatchObject([{ name: 'web', image: { manifest, tree } }]);
  await engine.delete('web', false, signal);
  expect(engine.inUse()).toEqual([]);
});

test('one that cannot be made leaves its image to others', async () => {
  const { engine, images } = await world();
  vi.spyOn(images, 'ensureLower').mockRejectedValueOnce(new VoltError('RESOURCE', 'The disk is full'));
  await expect(engine.create(spec('web'), signal)).rejects.toThrow('The disk is full');
  expect(engine.inUse()).toEqual([]);
});

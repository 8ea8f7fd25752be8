import { expect, test, vi } from 'vitest';
import fc from 'fast-check';
import { VoltError } from '@volt/shared/errors';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import type { ResolvedImage, Wanted } from './engine.ts';
import { FakeDriver, digest, image, imagesOf, networkOf, paths, spec, stillClock } from './testing.ts';

const { signal } = new AbortController();

interface World {
  readonly images?: Record<string, ResolvedImage>;
  readonly imageFiles?: Record<string, string>;
  readonly subnet?: string;
}

async function world(options: World = {}) {
  const driver = new FakeDriver();
  const files = new MemoryFiles();
  const images = imagesOf(options.images ?? { app: image(), other: image({}, 'b') }, options.imageFiles);
  const engine = new ContainerEngine({
    files,
    driver,
    clock: stillClock,
    images,
    network: networkOf(options.subnet),
    access: new FakeAccess(),
    containers: paths.containers,
  });
  await engine.recover(signal);
  const states = async () => (await engine.list()).map(({ name, state }) => `${name} ${state}`);
  return { driver, files, images, engine, states };
}

test('a created container is there and does not run', async () => {
  const { engine, states } = await world();
  expect(await engine.create(spec('web'), signal)).toMatchObject({
    state: 'created',
    address: '10.0.0.2',
    image: 'app',
  });
  expect(await states()).toEqual(['web created']);
});

test('run creates and starts', async () => {
  const { engine, files } = await world();
  expect(await engine.run(spec('web'), signal)).toMatchObject({ state: 'running', pid: 100 });
  expect(JSON.parse((await files.read(`${paths.containers}/web/state.json`))!)).toMatchObject({
    state: 'running',
    pid: 100,
    address: '10.0.0.2',
  });
});

test('a start sees to it that the image is laid out', async () => {
  const { engine, images } = await world();
  await engine.create(spec('web'), signal);
  const ensureLower = vi.spyOn(images, 'ensureLower');
  await engine.start('web', signal);
  expect(ensureLower).toHaveBeenCalledExactlyOnceWith(image().tree, signal);
  ensureLower.mockRejectedValue(new VoltError('RESOURCE', 'the disk is full'));
  await engine.stop('web', 1, signal);
  await expect(engine.start('web', signal)).rejects.toMatchObject({ message: 'the disk is full' });
});

test('what the image says is run, and the user has the last word', async () => {
  const app = image({
    entrypoint: ['/init'],
    cmd: ['a'],
    env: { A: '1', B: '1' },
    workdir: '/srv',
    stopSignal: 'SIGQUIT',
  });
  const { engine } = await world({ images: { app } });
  await engine.create(spec('plain'), signal);
  await engine.create(spec('own', { command: ['/bin/sh'], env: { B: '2' } }), signal);
  const [own, plain] = (await engine.observe()).map(({ config }) => config);
  expect(plain).toMatchObject({ command: ['/init', 'a'], workdir: '/srv', stopSignal: 'SIGQUIT' });
  expect(plain!.env).toMatchObject({ A: '1', B: '1', PATH: expect.stringContaining('/usr/bin') });
  expect(own).toMatchObject({ command: ['/bin/sh'], env: { A: '1', B: '2' } });
});

test('a user of the image becomes numbers', async () => {
  const { engine } = await world({
    images: { app: image({ user: 'www' }) },
    imageFiles: {
      'etc/passwd': 'root:x:0:0::/:\nwww:x:33:34::/:\n',
      'etc/group': 'www:x:34:\nadm:x:4:other,www\n',
    },
  });
  await engine.create(spec('web'), signal);
  expect((await engine.inspect('web')).config.user).toBe('33:34:4');
});

test.each([
  ['a taken name', 'web', 'app', 'ALREADY_EXISTS'],
  ['an unknown image', 'new', 'nosuch', 'NOT_FOUND'],
  ['an image without a program', 'new', 'empty', 'USAGE'],
])('%s is refused and changes nothing', async (_what, name, from, code) => {
  const { engine, driver, files } = await world({ images: { app: image(), empty: image({ cmd: [] }) } });
  await engine.run(spec('web'), signal);
  const before = { host: [...driver.host], files: [...files.entries] };
  await expect(engine.run(spec(name, { image: from }), signal)).rejects.toMatchObject({ code });
  expect({ host: [...driver.host], files: [...files.entries] }).toEqual(before);
});

test('what cannot be installed leaves nothing, and its address is free again', async () => {
  const { engine, driver, files, states } = await world();
  driver.full.add('web');
  await expect(engine.create(spec('web'), signal)).rejects.toMatchObject({ code: 'RESOURCE' });
  expect(await states()).toEqual([]);
  expect(await files.read(`${paths.containers}/web/config.json`)).toBeUndefined();
  expect(await engine.create(spec('next'), signal)).toMatchObject({ address: '10.0.0.2' });
});

test('when only the start fails, the container stays', async () => {
  const { engine, driver, states } = await world();
  driver.broken.add('web');
  await expect(engine.run(spec('web'), signal)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  expect(await states()).toEqual(['web failed']);
});

test('the last address given, the next container is refused', async () => {
  const { engine } = await world({ subnet: '10.0.0.0/30' });
  await engine.create(spec('web'), signal);
  await expect(engine.create(spec('db'), signal)).rejects.toMatchObject({ code: 'RESOURCE' });
});

test('operations on an absent container are NOT_FOUND with a hint', async () => {
  const { engine } = await world();
  const absent = { code: 'NOT_FOUND', message: "There is no container 'ghost'", hint: 'volt ps' };
  const io = { input: (async function* () {})(), emit: async () => undefined };
  const request = { command: ['/bin/true'], env: {}, tty: false, stdin: false, columns: 80, rows: 24 };
  await expect(engine.start('ghost', signal)).rejects.toMatchObject(absent);
  await expect(engine.stop('ghost', 1, signal)).rejects.toMatchObject(absent);
  await expect(engine.restart('ghost', 1, signal)).rejects.toMatchObject(absent);
  await expect(engine.inspect('ghost')).rejects.toMatchObject(absent);
  await expect(engine.exec('ghost', request, io, signal)).rejects.toMatchObject(absent);
  const logs = engine.logs('ghost', { follow: false, tail: 1 }, signal)[Symbol.asyncIterator]();
  await expect(logs.next()).rejects.toMatchObject(absent);
});

test('a mistyped name is told of one that is near', async () => {
  const { engine } = await world();
  await engine.create(spec('web'), signal);
  await expect(engine.start('wbe', signal)).rejects.toMatchObject({ code: 'NOT_FOUND', hint: "did you mean 'web'?" });
});

test('deleting an absent container says so and succeeds', async () => {
  const { engine } = await world();
  expect(await engine.delete('ghost', false, signal)).toEqual({ name: 'ghost', deleted: false });
});

test('a running container is deleted only by force', async () => {
  const { engine, driver, states } = await world();
  await engine.run(spec('web'), signal);
  await expect(engine.delete('web', false, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await states()).toEqual(['web running']);
  expect(await engine.delete('web', true, signal)).toEqual({ name: 'web', deleted: true });
  expect([...driver.host.keys(), ...driver.installed.keys()]).toEqual([]);
});

test('stopping what is stopped changes nothing', async () => {
  const { engine } = await world();
  await engine.create(spec('web'), signal);
  expect(await engine.stop('web', 10, signal)).toMatchObject({ state: 'created' });
});

test('what is asked of a name while it starts waits for the start', async () => {
  const { engine, driver } = await world();
  const gate = Promise.withResolvers<void>();
  driver.gates.set('web', gate.promise);
  const run = engine.run(spec('web'), signal);
  const stop = engine.stop('web', 10, signal);
  const other = await engine.run(spec('db'), signal);
  expect(other.state).toBe('running');
  gate.resolve();
  expect((await run).state).toBe('running');
  expect((await stop).state).toBe('stopped');
});

const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  spec: spec('web-0'),
  image: { manifest: digest('a'), tree: digest('f') },
  assignment: { workload: 'web', instance: 'web-0', generation: 1, exclusive: false },
  ...change,
});

test("a name that the cluster's container has is not freed by deleting it", async () => {
  const { engine } = await world();
  await engine.ensure(wanted(), signal);
  await expect(engine.create(spec('web-0'), signal)).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    hint: "it belongs to the workload 'web' of the cluster: choose another name",
  });
});

test('ensure creates, and again changes nothing', async () => {
  const { engine, driver } = await world();
  expect((await engine.ensure(wanted(), signal)).state).toBe('running');
  const before = [...driver.host];
  await engine.ensure(wanted(), signal);
  expect([...driver.host]).toEqual(before);
});

test('ensure starts what has stopped or failed', async () => {
  const { engine, driver } = await world();
  driver.broken.add('web-0');
  await expect(engine.ensure(wanted(), signal)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  driver.broken.clear();
  expect((await engine.ensure(wanted(), signal)).state).toBe('running');
});

test('ensure with another image replaces', async () => {
  const { engine, driver } = await world();
  await engine.ensure(wanted(), signal);
  const image = { manifest: digest('b'), tree: digest('f') };
  expect((await engine.ensure(wanted({ image }), signal)).state).toBe('running');
  expect(driver.installed.get('web-0')?.config.image).toEqual(image);
});

test('ensure with another assignment only writes it down', async () => {
  const { engine, driver } = await world();
  await engine.ensure(wanted(), signal);
  const before = [...driver.host];
  const assignment = { ...wanted().assignment, generation: 2 };
  await engine.ensure(wanted({ assignment }), signal);
  expect([...driver.host]).toEqual(before);
  expect((await engine.observe())[0]?.config.assignment).toEqual(assignment);
});

test("ensure leaves a user's own container alone", async () => {
  const { engine, states } = await world();
  await engine.create(spec('web-0'), signal);
  await expect(engine.ensure(wanted(), signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await states()).toEqual(['web-0 created']);
});

test('containers made at once have addresses and users of their own', async () => {
  const { engine } = await world();
  await Promise.all(Array.from({ length: 20 }, (_, n) => engine.run(spec(`web-${n}`), signal)));
  const configs = (await engine.observe()).map(({ config }) => config);
  expect(new Set(configs.map(({ network }) => network.address)).size).toBe(20);
  expect(new Set(configs.map(({ userns }) => userns.base)).size).toBe(20);
});

test('whatever is asked in whatever order, nothing is shared and the ledger tells the truth', async () => {
  const names = fc.constantFrom('a', 'b', 'c');
  const steps = fc.array(fc.tuple(fc.constantFrom('create', 'run', 'start', 'stop', 'delete', 'ensure'), names), {
    maxLength: 25,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const { engine, driver, files } = await world();
      await Promise.allSettled(
        sequence.map(([step, name]) => {
          switch (step) {
            case 'create':
              return engine.create(spec(name), signal);
            case 'run':
              return engine.run(spec(name), signal);
            case 'start':
              return engine.start(name, signal);
            case 'stop':
              return engine.stop(name, 1, signal);
            case 'ensure':
              return engine.ensure(wanted({ spec: spec(name) }), signal);
            default:
              return engine.delete(name, true, signal);
          }
        }),
      );
      const configs = (await engine.observe()).map(({ config }) => config);
      const present = configs.map((one) => one.spec.name);
      expect(new Set(configs.map(({ network }) => network.address)).size).toBe(configs.length);
      expect(new Set(configs.map(({ userns }) => userns.base)).size).toBe(configs.length);
      expect([...driver.host.keys()].sort()).toEqual(present);
      const onDisk = [...files.entries.keys()].filter((path) => path.endsWith('/config.json')).sort();
      expect(onDisk).toEqual(present.map((name) => `${paths.containers}/${name}/config.json`));
    }),
  );
});

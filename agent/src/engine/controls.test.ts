import { expect, test } from 'vitest';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import { FakeDriver, image, imagesOf, networkOf, paths, spec, stillClock } from './testing.ts';

const { signal } = new AbortController();

async function world(files = new MemoryFiles(), driver = new FakeDriver()) {
  const engine = new ContainerEngine({
    files,
    driver,
    clock: stillClock,
    images: imagesOf({ app: image() }),
    network: networkOf(),
    access: new FakeAccess(),
    containers: paths.containers,
  });
  const recovery = await engine.recover(signal);
  const states = async () => (await engine.list()).map(({ name, state }) => `${name} ${state}`);
  return { driver, files, engine, states, recovery };
}

test('a kill ends it for good; another signal is its own matter', async () => {
  const { engine } = await world();
  await engine.run(spec('web'), signal);
  expect(await engine.controls.kill('web', 'SIGHUP', signal)).toMatchObject({ state: 'running' });
  expect(await engine.controls.kill('web', 'SIGKILL', signal)).toMatchObject({ state: 'stopped', exitCode: 137 });
});

test('a paused one is paused until it is resumed, and can be stopped', async () => {
  const { engine, states } = await world();
  await engine.run(spec('web'), signal);
  await engine.controls.pause('web', signal);
  await engine.controls.pause('web', signal);
  expect(await states()).toEqual(['web paused']);
  await engine.controls.resume('web', signal);
  await engine.controls.resume('web', signal);
  expect(await states()).toEqual(['web running']);
  await engine.controls.pause('web', signal);
  expect(await engine.stop('web', undefined, signal)).toMatchObject({ state: 'stopped' });
});

test('what does not run cannot be signalled, paused or looked into', async () => {
  const { engine } = await world();
  await engine.create(spec('web'), signal);
  const conflict = { code: 'CONFLICT' };
  await expect(engine.controls.kill('web', 'SIGKILL', signal)).rejects.toMatchObject(conflict);
  await expect(engine.controls.pause('web', signal)).rejects.toMatchObject(conflict);
  await expect(engine.controls.resume('web', signal)).rejects.toMatchObject(conflict);
  await expect(engine.controls.processes('web')).rejects.toMatchObject(conflict);
  await expect(engine.controls.processes('ghost')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('waiting ends with the exit code, when it has ended and not before', async () => {
  const { engine, driver } = await world();
  await engine.create(spec('job'), signal);
  const waiting = engine.controls.wait('job', signal);
  await engine.start('job', signal);
  driver.end('job', 42);
  expect(await waiting).toBe(42);
  expect(await engine.controls.wait('job', signal)).toBe(42);
});

test('waiting ends when nobody waits any more', async () => {
  const { engine } = await world();
  await engine.run(spec('job'), signal);
  const gone = new AbortController();
  const waiting = engine.controls.wait('job', gone.signal);
  gone.abort();
  await expect(waiting).rejects.toThrow();
});

test('one that is to go at its end goes, and its code is still told', async () => {
  const { engine, driver, states } = await world();
  await engine.run(spec('job', { rm: true }), signal);
  await engine.run(spec('web'), signal);
  const over = new AbortController();
  const tended = engine.controls.tend(over.signal);
  const waiting = engine.controls.wait('job', signal);
  driver.end('job', 3);
  driver.end('web', 3);
  expect(await waiting).toBe(3);
  await expect.poll(states).toEqual(['web failed']);
  over.abort();
  await tended;
});

test('an agent that stops while one waits to go stops all the same', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('job', { rm: true }), signal);
  const over = new AbortController();
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  driver.start = async () => {
    started.resolve();
    await release.promise;
  };
  // Its lane is taken: who tends it waits.
  const busy = engine.start('job', signal);
  await started.promise;
  const tended = engine.controls.tend(over.signal);
  driver.end('job', 0);
  await new Promise((resolve) => setImmediate(resolve));
  over.abort();
  await expect(tended).resolves.toBeUndefined();
  release.resolve();
  await busy;
});

test('one that ended while the agent was away is deleted when it is back', async () => {
  const { engine, driver, files } = await world();
  await engine.run(spec('job', { rm: true }), signal);
  await engine.run(spec('runs', { rm: true }), signal);
  driver.end('job', 0);
  const again = await world(files, driver);
  expect(again.recovery).toMatchObject({ removed: ['job'], repaired: ['runs'] });
  expect(await again.states()).toEqual(['runs running']);
});

test('pruning deletes what has ended, and a dry run only tells', async () => {
  const { engine, driver, states } = await world();
  for (const name of ['done', 'broken', 'runs']) await engine.run(spec(name), signal);
  await engine.create(spec('idle'), signal);
  driver.end('done', 0);
  driver.end('broken', 1);
  const names = async (isDryRun: boolean) => (await engine.controls.prune(isDryRun, signal)).map(({ name }) => name);
  expect(await names(true)).toEqual(['broken', 'done']);
  expect(await states()).toHaveLength(4);
  expect(await names(false)).toEqual(['broken', 'done']);
  expect(await states()).toEqual(['idle created', 'runs running']);
});

test('usage is of those that run, and an unknown name is told', async () => {
  const { engine } = await world();
  for (const name of ['a', 'b']) await engine.run(spec(name), signal);
  await engine.create(spec('idle'), signal);
  expect((await engine.controls.usage([])).map(({ name }) => name)).toEqual(['a', 'b']);
  expect((await engine.controls.usage(['b', 'idle'])).map(({ name }) => name)).toEqual(['b']);
  await expect(engine.controls.usage(['ghost'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('one that was restarted as often as it may says so', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('web', { restart: 'on-failure:2' }), signal);
  driver.end('web', 3);
  // systemd counts the start that it refused.
  driver.host.set('web', { ...driver.host.get('web')!, restarts: 3 });
  expect((await engine.inspect('web')).status).toMatchObject({
    state: 'failed',
    restarts: 2,
    reason: 'exit code 3, restarted 2 times',
  });
});

test('one that is down is given another name, and all it has with it', async () => {
  const { engine, driver, files, states } = await world();
  const { address } = await engine.run(spec('web'), signal);
  await expect(engine.rename('web', 'shop', signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  await engine.stop('web', 1, signal);
  await files.write(`${paths.containers}/web/exit`, 'success exited 0', { mode: 0o600 });
  expect(await engine.rename('web', 'shop', signal)).toMatchObject({ name: 'shop', state: 'stopped', address });
  expect(await states()).toEqual(['shop stopped']);
  expect(await files.read(`${paths.containers}/shop/exit`)).toBe('success exited 0');
  expect(driver.installed.get('shop')?.config.spec.name).toBe('shop');
  expect(await engine.start('shop', signal)).toMatchObject({ state: 'running' });
  expect(await engine.create(spec('web'), signal)).toMatchObject({ state: 'created' });
});

test('a name that somebody has is not given to another, also while it is being made', async () => {
  const { engine, driver, states } = await world();
  for (const name of ['a', 'b']) await engine.create(spec(name), signal);
  await expect(engine.rename('a', 'b', signal)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  const both = await Promise.allSettled([engine.rename('a', 'c', signal), engine.create(spec('c'), signal)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await states()).map((line) => line.split(' ')[0])).toContain('c');
  expect([...driver.installed.keys()].sort()).toEqual((await engine.list()).map(({ name }) => name));
});

test('a container whose agent was killed while it was renamed has the name of its folder', async () => {
  const { engine, files, driver } = await world();
  await engine.create(spec('web'), signal);
  await files.moveFolder(`${paths.containers}/web`, `${paths.containers}/shop`);
  const again = await world(files, driver);
  expect(again.recovery.removed).toEqual(['web']);
  expect(await again.states()).toEqual(['shop created']);
  expect(JSON.parse((await files.read(`${paths.containers}/shop/config.json`))!)).toMatchObject({
    spec: { name: 'shop' },
  });
});

test('limits are changed where it runs and where it is written down, and the others stay', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('web', { memory: '64M', pids: 10 }), signal);
  await engine.update('web', { memory: '128M' }, signal);
  expect(driver.limited.get('web')?.spec).toMatchObject({ memory: '128M', pids: 10 });
  expect(driver.installed.get('web')?.config.spec).toMatchObject({ memory: '128M', pids: 10 });
  expect((await engine.inspect('web')).config.spec).toMatchObject({ memory: '128M', pids: 10 });
});

test('limits that are refused change nothing', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('web', { memory: '64M' }), signal);
  const before = (await engine.inspect('web')).config;
  await expect(engine.update('web', { memory: '1K' }, signal)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(engine.update('web', { cpuset: '99' }, signal)).rejects.toMatchObject({ code: 'RESOURCE' });
  expect((await engine.inspect('web')).config).toEqual(before);
  expect(driver.installed.get('web')?.config).toEqual(before);
  await expect(engine.create(spec('other', { memory: '1K' }), signal)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(engine.inspect('other')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a limit that does not hold on this machine is told when it is asked for', async () => {
  const { engine, driver } = await world();
  driver.enforced = new Set(['cpu']);
  const made = await engine.create(spec('web', { memory: '64M', cpus: 1 }), signal);
  expect(made.missing).toEqual(["'--memory': its control groups do not count memory"]);
  expect((await engine.update('web', { cpus: 2 }, signal)).missing).toBeUndefined();
});

test('an end for want of memory names the limit that was hit', async () => {
  const { engine, driver } = await world();
  await engine.run(spec('web', { memory: '64M' }), signal);
  const reasonOf = async (change: object) => {
    driver.end('web', 137);
    driver.host.set('web', { ...driver.host.get('web')!, ...change });
    return (await engine.inspect('web')).status.reason;
  };
  expect(await reasonOf({ reason: 'out of memory', isOutOfMemory: true })).toBe('out of memory: its limit is 64M');
  expect(await reasonOf({})).toBe('exit code 137');
});

test('one that runs unless stopped remembers that it was stopped', async () => {
  const { engine, driver } = await world();
  const isStoppedByHand = () => driver.installed.get('web')?.config.isStoppedByHand === true;
  await engine.run(spec('web', { restart: 'unless-stopped' }), signal);
  expect(isStoppedByHand()).toBe(false);
  await engine.stop('web', 1, signal);
  expect(isStoppedByHand()).toBe(true);
  await engine.start('web', signal);
  expect(isStoppedByHand()).toBe(false);
  await engine.restart('web', 1, signal);
  expect(isStoppedByHand()).toBe(false);
});

/** The agent is killed at every call it makes of the host, and started again. */
import { expect, test } from 'vitest';
import { containerOfUnit } from '@volt/shared/systemd';
import { Died, Life, mortal } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import type { Engine } from './engine.ts';
import {
  config,
  digest,
  fakeHost,
  image,
  imagesOf,
  networkOf,
  nspawnOn,
  paths,
  spec,
  type FakeHost,
} from './testing.ts';

const { signal } = new AbortController();

/** An agent's engine on a host that goes on when the agent does not. */
function engineOn(host: FakeHost, life = new Life()): Engine {
  const files = mortal(host.files, life);
  const driver = nspawnOn({
    ...host,
    files,
    systemd: mortal(host.systemd, life),
    programs: mortal(host.programs, life),
  });
  const images = imagesOf({ app: image(), other: image({}, 'b') });
  return new ContainerEngine({
    files,
    driver,
    images,
    network: networkOf(),
    clock: host.clock,
    access: new FakeAccess(),
    containers: paths.containers,
  });
}

const assignment = { workload: 'web', instance: 'web-0', generation: 1, exclusive: false };
const wanted = (manifest: string) => ({
  spec: spec('web-0'),
  image: { manifest: digest(manifest), tree: digest('f') },
  assignment,
});

/** What an agent does in a life. Each line may be its last. */
async function story(engine: Engine): Promise<void> {
  await engine.recover(signal);
  await engine.run(spec('web', { env: { A: '1' } }), signal);
  await engine.create(spec('job', { boot: false, env: { KEY: 'a\nb' } }), signal);
  await engine.ensure(wanted('a'), signal);
  await engine.ensure(wanted('b'), signal);
  await engine.restart('web', 10, signal);
  await engine.delete('job', false, signal);
  await engine.delete('web', true, signal);
}

const namesIn = (host: FakeHost, folder: string): string[] =>
  [...host.files.entries.keys()]
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1))
    .filter((rest) => !rest.includes('/'));

/** What must hold on a host whose agent has just recovered. */
async function expectWhole(host: FakeHost, engine: Engine): Promise<void> {
  const configs = (await engine.observe()).map((one) => one.config);
  const names = configs.map((one) => one.spec.name);
  const bootNames = configs.filter((one) => one.spec.boot).map((one) => one.spec.name);
  const units = (folder: string) => namesIn(host, folder).map(containerOfUnit).filter(Boolean).sort();
  expect(namesIn(host, paths.containers).sort()).toEqual(names);
  expect(units(paths.units)).toEqual(names);
  expect(units(paths.systemd)).toEqual(names);
  expect(units(`${paths.systemd}/multi-user.target.wants`)).toEqual(bootNames);
  // nspawn refuses to start over a root without one.
  const hasUsr = (name: string) => host.files.entries.has(`${paths.containers}/${name}/upper/usr`);
  expect(names.filter((name) => !hasUsr(name))).toEqual([]);
  const running = [...host.systemd.units.values()].filter(({ activeState }) => activeState === 'active');
  for (const { name } of running) expect(names).toContain(containerOfUnit(name));
  expect(new Set(configs.map(({ network }) => network.address)).size).toBe(configs.length);
  // Each can be started, from nothing but what is on the host.
  for (const name of names) expect((await engine.start(name, signal)).state).toBe('running');
}

test('a kill at any call leaves nothing that the next start does not put right', async () => {
  const whole = new Life();
  await story(engineOn(await fakeHost(), whole));
  expect(whole.calls).toBeGreaterThan(100);

  for (let last = 1; last <= whole.calls; last++) {
    const host = await fakeHost();
    await expect(story(engineOn(host, new Life(last))), `call ${last}`).rejects.toBeInstanceOf(Died);
    const next = engineOn(host);
    const recovery = await next.recover(signal);
    expect([...recovery.failed], `call ${last}`).toEqual([]);
    await expectWhole(host, next);
    // And all of it can go.
    for (const { name } of await next.list()) await next.delete(name, true, signal);
    await expectWhole(host, next);
    expect(namesIn(host, paths.containers)).toEqual([]);
  }
});

test('a kill during the recovery is recovered from', async () => {
  const died = await fakeHost();
  await expect(story(engineOn(died, new Life(60)))).rejects.toBeInstanceOf(Died);
  for (let last = 1; ; last++) {
    const host = await fakeHost();
    await expect(story(engineOn(host, new Life(60)))).rejects.toBeInstanceOf(Died);
    const life = new Life(last);
    const recovery = await engineOn(host, life)
      .recover(signal)
      .catch(() => undefined);
    const next = engineOn(host);
    await next.recover(signal);
    await expectWhole(host, next);
    if (recovery !== undefined && life.calls < last) break;
  }
});

test('a container that runs is not disturbed by an agent that starts', async () => {
  const host = await fakeHost();
  const first = engineOn(host);
  await first.recover(signal);
  await first.run(spec('web'), signal);
  const before = [...host.systemd.units.values()];
  const next = engineOn(host);
  expect(await next.recover(signal)).toMatchObject({ repaired: ['web'], removed: [] });
  expect([...host.systemd.units.values()]).toEqual(before);
});

test('a left-over that runs is stopped and removed', async () => {
  const host = await fakeHost();
  const driver = nspawnOn(host);
  await driver.install(config('ghost'), '/lower');
  await driver.start('ghost', signal);
  const engine = engineOn(host);
  expect(await engine.recover(signal)).toMatchObject({ removed: ['ghost'] });
  await expectWhole(host, engine);
});

test('a damaged definition stops the agent, with the file to look at', async () => {
  const host = await fakeHost();
  await host.files.makeFolder(`${paths.containers}/web`, { mode: 0o700 });
  await host.files.write(`${paths.containers}/web/config.json`, '{', { mode: 0o600 });
  await expect(engineOn(host).recover(signal)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: `'${paths.containers}/web/config.json' is damaged`,
  });
});

test('a host without the init is told what to install', async () => {
  const host = await fakeHost();
  await host.files.remove('/usr/bin/catatonit');
  await expect(engineOn(host).recover(signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    hint: 'apt-get install catatonit',
  });
});

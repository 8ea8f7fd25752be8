import { expect, test } from 'vitest';
import { Life, mortal } from '../host/testing.ts';
import { ContainerEngine } from './container-engine.ts';
import type { Engine } from './engine.ts';
import { FakeAccess } from './files/fake-access.ts';
import { fakeHost, image, imagesOf, networkOf, nspawnOn, paths, spec, type FakeHost } from './testing.ts';

const { signal } = new AbortController();
const ALONE = '10.0.0.0/24';
const IN_CLUSTER = '10.1.3.0/24';

function engineOn(host: FakeHost, subnet: string, life = new Life()): Engine {
  const files = mortal(host.files, life);
  return new ContainerEngine({
    files,
    driver: nspawnOn({ ...host, files, systemd: mortal(host.systemd, life), programs: mortal(host.programs, life) }),
    images: imagesOf({ app: image() }),
    network: networkOf(subnet),
    clock: host.clock,
    access: new FakeAccess(),
    containers: paths.containers,
  });
}

/** A node alone with two containers that run and one that does not. */
async function node(): Promise<FakeHost> {
  const host = await fakeHost();
  const engine = engineOn(host, ALONE);
  await engine.recover(signal);
  await engine.run(spec('db'), signal);
  await engine.create(spec('job'), signal);
  await engine.run(spec('web'), signal);
  return host;
}

const rows = async (engine: Engine) =>
  (await engine.list()).map(({ name, state, address }) => `${name} ${state} ${address}`);
const unit = (host: FakeHost, name: string) => host.files.read(`${paths.systemd}/volt-container@${name}.service`);
const pidOf = (host: FakeHost, name: string) => host.systemd.units.get(`volt-container@${name}.service`)?.mainPid;

test('with another subnet each container gets an address of it, and what ran is started again with it', async () => {
  const host = await node();
  const before = pidOf(host, 'web');
  const engine = engineOn(host, IN_CLUSTER);
  const { readdressed, failed } = await engine.recover(signal);
  expect([readdressed, failed.size]).toEqual([['db', 'job', 'web'], 0]);
  expect(await rows(engine)).toEqual(['db running 10.1.3.2', 'job created 10.1.3.3', 'web running 10.1.3.4']);
  expect(await unit(host, 'web')).toContain('10.1.3.4/24');
  expect(await unit(host, 'web')).toContain('10.1.3.1');
  expect(pidOf(host, 'web')).not.toBe(before);
});

test('the next start of the agent has nothing to do, and nor has one with the same subnet', async () => {
  const host = await node();
  expect((await engineOn(host, ALONE).recover(signal)).readdressed).toEqual([]);
  await engineOn(host, IN_CLUSTER).recover(signal);
  const before = pidOf(host, 'web');
  expect((await engineOn(host, IN_CLUSTER).recover(signal)).readdressed).toEqual([]);
  expect(pidOf(host, 'web')).toBe(before);
});

test('an agent that is killed meanwhile, at any call, goes on with it: what ran runs again', async () => {
  for (let last = 1; ; last += 1) {
    const host = await node();
    const life = new Life(last);
    await engineOn(host, IN_CLUSTER, life)
      .recover(signal)
      .catch(() => undefined);
    const engine = engineOn(host, IN_CLUSTER);
    expect([...(await engine.recover(signal)).failed], `call ${last}`).toEqual([]);
    expect(await rows(engine), `call ${last}`).toEqual([
      expect.stringMatching(/^db running 10\.1\.3\./),
      expect.stringMatching(/^job (created|stopped) 10\.1\.3\./),
      expect.stringMatching(/^web running 10\.1\.3\./),
    ]);
    const addresses = (await engine.list()).map(({ address }) => address);
    expect(new Set(addresses).size, `call ${last}`).toBe(3);
    for (const { name, address } of await engine.list()) {
      expect(await unit(host, name), `call ${last}`).toContain(`${address}/24`);
    }
    if (life.calls < last) return;
  }
});

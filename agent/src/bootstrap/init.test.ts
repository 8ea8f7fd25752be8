import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Died, Life, mortal } from '../host/testing.ts';
import { createBootstrap } from './bootstrap.ts';
import type { BootstrapPorts } from './ports.ts';
import { controllerUnits } from './units.ts';
import { filesOf, makeMachine, signal, type Machine } from './testing.ts';

const params = { name: 'volt', node: 'node1', address: '192.0.2.1', range: '10.1.0.0/16', readdress: false };
const init = (ports: BootstrapPorts, more: Partial<typeof params> = {}) =>
  createBootstrap(ports).init({ ...params, ...more }, signal);
const snapshot = (machine: Machine) => JSON.stringify([[...machine.files.entries], [...machine.units.running]]);

const DIR = '/etc/volt/cluster';

describe('a machine that makes a cluster', () => {
  test('starts NATS, its witness and the controller, now and at boot, and gives a token', async () => {
    const machine = await makeMachine();
    const result = await init(machine.ports);
    expect(result).toMatchObject({ cluster: 'volt', node: 'node1', address: '192.0.2.1', join: machine.cluster.token });
    const units = ['volt-nats.service', 'volt-nats-witness.service', 'volt-controller.service'];
    expect(machine.units.started).toEqual(units);
    expect([...machine.units.enabled]).toEqual(units);
  });

  test('has its files, and shows no secret to others', async () => {
    const machine = await makeMachine();
    await init(machine.ports);
    const files = filesOf(machine).filter((path) => path.startsWith(DIR));
    const modes = files.map((path) => {
      const entry = machine.files.entries.get(path);
      return [path.slice(DIR.length + 1), entry?.kind === 'file' ? entry.mode.toString(8) : ''] as const;
    });
    expect(Object.fromEntries(modes)).toEqual({
      'admin.crt': '644',
      'admin.key': '600',
      'ca.crt': '644',
      'ca.key': '600',
      'cluster.json': '644',
      'controller.creds': '600',
      'nats-authority.json': '600',
      'nats-witness.conf': '644',
      'nats.conf': '644',
      'node.crt': '644',
      'node.creds': '600',
      'node.key': '600',
      'routes-ca.crt': '644',
      'routes.crt': '644',
      'routes.key': '600',
    });
    for (const [name, mode] of modes) {
      if (mode !== '644') continue;
      expect(await machine.files.read(`${DIR}/${name}`)).not.toMatch(/PRIVATE KEY|SEED|\bS[AOU][A-Z2-7]{50}/);
    }
  });

  test('has an admin whose key belongs to a certificate of its CA', async () => {
    const machine = await makeMachine();
    await init(machine.ports);
    const certificate = new X509Certificate((await machine.files.read(`${DIR}/admin.crt`))!);
    const ca = new X509Certificate((await machine.files.read(`${DIR}/ca.crt`))!);
    expect(certificate.checkPrivateKey(createPrivateKey((await machine.files.read(`${DIR}/admin.key`))!))).toBe(true);
    expect(certificate.subject).toBe('O=volt:admin\nCN=admin');
    expect(certificate.verify(ca.publicKey)).toBe(true);
  });

  test('waits for a controller that is slow', async () => {
    const machine = await makeMachine();
    machine.cluster.slowness = 200;
    await expect(init(machine.ports)).resolves.toBeDefined();
  });

  test('makes no second one', async () => {
    const machine = await makeMachine();
    await init(machine.ports);
    const before = snapshot(machine);
    await expect(init(machine.ports, { name: 'other' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(snapshot(machine)).toBe(before);
  });
});

describe('a cluster that cannot be made leaves nothing behind, and says why', () => {
  test.each([
    ['NATS ends at once', 'volt-nats.service'],
    ['the controller ends at once', 'volt-controller.service'],
  ])('when %s', async (_, unit) => {
    const machine = await makeMachine();
    machine.units.broken.add(unit);
    machine.cluster.slowness = 1_000_000;
    await expect(init(machine.ports)).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: expect.stringContaining(`${unit} says: address already in use`) as string,
      hint: `journalctl -u ${unit}`,
    });
    expect(filesOf(machine)).toEqual([]);
    expect([...machine.units.running, ...machine.units.enabled]).toEqual([]);
  });

  test('when the controller never answers', async () => {
    const machine = await makeMachine();
    machine.cluster.slowness = 1_000_000;
    await expect(init(machine.ports)).rejects.toMatchObject({ code: 'DEPENDENCY' });
    expect(filesOf(machine)).toEqual([]);
  });

  test('when another cluster left its data', async () => {
    const machine = await makeMachine();
    await machine.files.makeFolder('/var/lib/volt/nats/jetstream', { mode: 0o700 });
    await expect(init(machine.ports)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(filesOf(machine)).toEqual([]);
    expect(await machine.files.exists('/var/lib/volt/nats/jetstream')).toBe(true);
  });

  test.each<[string, Partial<typeof params>]>([
    ['the range is too small', { range: '10.1.0.0/25' }],
    ['the address lies in the range', { address: '10.1.4.4' }],
  ])('when %s', async (_, wrong) => {
    const machine = await makeMachine();
    await expect(init(machine.ports, wrong)).rejects.toMatchObject({ code: 'USAGE' });
    expect(filesOf(machine)).toEqual([]);
  });

  test('when the host name is no node name and none was given', async () => {
    const machine = await makeMachine();
    const ports = { ...machine.ports, hostName: () => '7up' };
    const nameless = { ...params, node: undefined };
    await expect(createBootstrap(ports).init(nameless, signal)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

test('an agent killed at any moment can make the cluster when it is back', { timeout: 60_000 }, async () => {
  let deaths = 0;
  // Not every moment, because each attempt makes a dozen keys; the tests of joining take every one.
  for (let calls = 1; ; calls += 4) {
    const machine = await makeMachine();
    const life = new Life(calls);
    const { files, units, controllers } = machine.ports;
    const mortals = { files: mortal(files, life), units: mortal(units, life), controllers: mortal(controllers, life) };
    const outcome: unknown = await init({ ...machine.ports, ...mortals }).catch((thrown: unknown) => thrown);
    if (!isDeath(outcome)) break;
    deaths += 1;
    expect(await init(machine.ports)).toMatchObject({ node: 'node1' });
    expect(filesOf(machine)).not.toContain(`${DIR}/half-made`);
    expect([...machine.units.running]).toHaveLength(3);
  }
  expect(deaths).toBeGreaterThan(8);
});

function isDeath(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown instanceof Died || isDeath(thrown.cause));
}

test('two attempts at one time are one too many', async () => {
  const { ports } = await makeMachine();
  const bootstrap = createBootstrap(ports);
  const first = bootstrap.init(params, signal);
  await expect(bootstrap.init(params, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  await first;
});

test('the units of a first controller', () => {
  for (const { name, text } of controllerUnits('/usr/local/bin/volt', { hasWitness: true })) {
    expect(text).toMatchSnapshot(name);
  }
});

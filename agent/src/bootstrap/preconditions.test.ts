/** What is looked at before a machine is changed. */
import { describe, expect, test } from 'vitest';
import { createBootstrap } from './bootstrap.ts';
import { addressTowards, onlyAddress } from './own-address.ts';
import { requireNats } from './require-nats.ts';
import { requireStill } from './require-still.ts';
import { filesOf, makeMachine } from './testing.ts';

const { signal } = new AbortController();

describe('the address of the first node', () => {
  const of = (...addresses: string[]) => onlyAddress({ ownAddresses: () => addresses });

  test('is the only one there is', () => expect(of('192.0.2.1')).toBe('192.0.2.1'));
  test('cannot be guessed among several, which are named', () =>
    expect(() => of('192.0.2.1', '198.51.100.1')).toThrow('several addresses: 192.0.2.1, 198.51.100.1'));
  test('cannot be guessed where there is none', () => expect(() => of()).toThrow('has no IPv4 address'));
});

describe('the address of a node that joins', () => {
  const towards = (address: string) => {
    const asked: unknown[] = [];
    const localAddressTowards = async (host: string, port: number) => {
      asked.push([host, port]);
      return address;
    };
    return { asked, found: addressTowards({ localAddressTowards }, '192.0.2.1:7444', signal) };
  };

  test('is the one on the way to the controller', async () => {
    const { asked, found } = towards('192.0.2.2');
    expect(await found).toBe('192.0.2.2');
    expect(asked).toEqual([['192.0.2.1', 7444]]);
  });

  test('is not the loopback', async () => {
    await expect(towards('127.0.0.1').found).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the NATS server', () => {
  const check = (said: string | undefined, otherwise?: string) =>
    requireNats({ natsVersion: async () => said }, signal, otherwise);

  test.each(['2.10.23', '2.10.100', '2.11.0', '3.0.0'])('%s will do', async (version) => {
    await expect(check(`nats-server: v${version}`)).resolves.toBeUndefined();
  });

  test.each(['2.10.22', '2.9.30', '1.99.99'])('%s is too old', async (version) => {
    await expect(check(`nats-server: v${version}`)).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: `A controller needs nats-server 2.10.23 or newer; here is ${version}`,
    });
  });

  test('an absent one is named with its package', async () => {
    await expect(check(undefined)).rejects.toMatchObject({ hint: 'apt-get install nats-server' });
  });

  test('who need not be a controller is told', async () => {
    await expect(check(undefined, '--role agent')).rejects.toMatchObject({
      hint: 'apt-get install nats-server, or --role agent',
    });
  });

  test('what says no version will not do', async () => {
    await expect(check('hello')).rejects.toThrow('here is hello');
  });
});

describe('containers that run', () => {
  const check = (names: string[], readdress = false) => requireStill({ running: async () => names }, { readdress });

  test('would get other addresses, so somebody has to say that this is fine', async () => {
    await expect(check(['db', 'web'])).rejects.toMatchObject({
      code: 'CONFLICT',
      message: "Containers run here that would get other addresses: 'db', 'web'",
    });
    await expect(check(['db', 'web'], true)).resolves.toBeUndefined();
    await expect(check([])).resolves.toBeUndefined();
  });

  test('are named, but not all of many', async () => {
    const many = Array.from({ length: 8 }, (_, index) => `c${index}`);
    await expect(check(many)).rejects.toThrow("'c0', 'c1', 'c2', 'c3', 'c4', 3 more");
  });
});

test('a machine that runs containers is not changed by a join or an init that nobody meant', async () => {
  const machine = await makeMachine();
  const ports = { ...machine.ports, running: async () => ['web'] };
  const before = filesOf(machine);
  const common = { node: undefined, address: '192.0.2.2', readdress: false };
  const join = { ...common, controller: '192.0.2.1:7444', token: machine.cluster.token, role: 'agent' as const };
  await expect(createBootstrap(ports).join(join, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  const init = { ...common, name: 'test', range: '10.1.0.0/16' };
  await expect(createBootstrap(ports).init(init, signal)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(filesOf(machine)).toEqual(before);
});

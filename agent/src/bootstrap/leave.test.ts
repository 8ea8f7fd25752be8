import { describe, expect, test } from 'vitest';
import { Died, Life, mortal } from '../host/testing.ts';
import { createBootstrap } from './bootstrap.ts';
import type { BootstrapPorts } from './ports.ts';
import { filesOf, makeMachine, signal, type Machine } from './testing.ts';

const join = ({ ports, cluster }: Machine) =>
  createBootstrap(ports).join(
    {
      controller: '192.0.2.1:7444',
      token: cluster.token,
      node: undefined,
      address: '192.0.2.2',
      role: 'auto',
      readdress: false,
    },
    signal,
  );
const leave = (ports: BootstrapPorts, force = true) => createBootstrap(ports).leave({ force });

async function member(): Promise<Machine> {
  const machine = await makeMachine();
  await join(machine);
  return machine;
}

describe('a machine that leaves', () => {
  test('keeps nothing of its cluster, not even its key, and tells NATS that its server is gone', async () => {
    const machine = await member();
    expect(await leave(machine.ports)).toEqual({ node: 'node2', left: true });
    expect(filesOf(machine)).toEqual([]);
    expect([machine.units.running.size, machine.units.enabled.size]).toEqual([0, 0]);
    expect(machine.cluster.withdrawn).toEqual(['node2.00']);
  });

  test('asks the cluster first, unless it is forced', async () => {
    const machine = await member();
    const before = filesOf(machine);
    await expect(leave(machine.ports, false)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(filesOf(machine)).toEqual(before);
    expect(machine.units.running.size).toBe(2);
  });

  test('has left when it was in no cluster', async () => {
    const machine = await makeMachine();
    expect(await leave(machine.ports, false)).toEqual({ node: null, left: false });
  });

  test('has left when its agent is back, though that was killed at any moment', async () => {
    let deaths = 0;
    for (let calls = 1; ; calls += 1) {
      const machine = await member();
      const life = new Life(calls);
      const { files, units, controllers } = machine.ports;
      const mortals = {
        files: mortal(files, life),
        units: mortal(units, life),
        controllers: mortal(controllers, life),
      };
      const outcome: unknown = await leave({ ...machine.ports, ...mortals }).catch((thrown: unknown) => thrown);
      if (!(outcome instanceof Died)) break;
      deaths += 1;
      await createBootstrap(machine.ports).clearHalfMade();
      // Either nothing had happened, or all of it has.
      await leave(machine.ports);
      expect(filesOf(machine)).toEqual([]);
      expect(machine.units.running.size).toBe(0);
    }
    expect(deaths).toBeGreaterThan(20);
  });
});

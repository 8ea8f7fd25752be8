import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { keyFingerprint, makeAuthority, readConfig } from '@volt/shared/pki';
import { Died, Life, mortal } from '../host/testing.ts';
import { createBootstrap } from './bootstrap.ts';
import { FakeCluster, filesOf, makeMachine, NOW, signal, type Machine } from './testing.ts';

const DIR = '/etc/volt/cluster';

const join = (machine: Machine, ports = machine.ports, token = machine.cluster.token) =>
  createBootstrap(ports).join(
    { controller: '192.0.2.1:7444', token, node: undefined, address: '192.0.2.2', role: 'auto', readdress: false },
    signal,
  );

describe('a machine that joins', () => {
  test('as an agent has what an agent needs, and starts nothing', async () => {
    const machine = await makeMachine();
    machine.cluster.roles = ['agent'];
    expect(await join(machine)).toEqual({ cluster: 'test', node: 'node2', roles: ['agent'] });
    const files = ['ca.crt', 'cluster.json', 'node.creds', 'node.crt', 'node.key'];
    expect(filesOf(machine)).toEqual(files.map((file) => `${DIR}/${file}`));
    expect(machine.units.started).toEqual([]);
  });

  test('as a controller runs NATS and a controller, with no witness', async () => {
    const machine = await makeMachine();
    await join(machine);
    expect(machine.units.started).toEqual(['volt-nats.service', 'volt-controller.service']);
    const config = readConfig((await machine.files.read(`${DIR}/cluster.json`))!, 'cluster.json');
    expect(config).toMatchObject({
      node: 'node2',
      subnet: '10.1.1.0/24',
      servers: ['192.0.2.2:4222', '192.0.2.1:4222'],
    });
    expect(await machine.files.read(`${DIR}/nats.conf`)).toContain('"nats://192.0.2.1:6222"');
  });

  test("remembers the port that its cluster's controllers listen on", async () => {
    const machine = await makeMachine();
    const params = { controller: '192.0.2.1:9444', token: machine.cluster.token, node: undefined };
    await createBootstrap(machine.ports).join(
      { ...params, address: '192.0.2.2', role: 'auto', readdress: false },
      signal,
    );
    const config = readConfig((await machine.files.read(`${DIR}/cluster.json`))!, 'cluster.json');
    expect(config.controllers).toEqual(['192.0.2.2:9444', '192.0.2.1:9444']);
  });

  test('keeps its keys to itself', async () => {
    const machine = await makeMachine();
    const sent: string[] = [];
    const controllers = {
      makeToken: () => machine.cluster.makeToken(),
      status: () => machine.cluster.status(),
      withdraw: async () => {},
      post: async (request: { readonly body: string }) => {
        sent.push(request.body);
        return machine.cluster.post(request);
      },
    };
    await join(machine, { ...machine.ports, controllers });
    expect(sent.join()).not.toMatch(/PRIVATE KEY|\bSU[A-Z2-7]{50}/);
    const key = createPrivateKey((await machine.files.read(`${DIR}/node.key`))!);
    expect(machine.cluster.keys.get('node2')).toBe(keyFingerprint(createPublicKey(key)));
  });

  test('does so once', async () => {
    const machine = await makeMachine();
    await join(machine);
    const before = JSON.stringify([...machine.files.entries]);
    await expect(join(machine)).rejects.toMatchObject({ code: 'CONFLICT', hint: 'volt cluster status' });
    expect(JSON.stringify([...machine.files.entries])).toBe(before);
  });
});

describe('a join that is refused leaves nothing behind', () => {
  test.each([
    new VoltError('PERMISSION', 'The join token has expired'),
    new VoltError('ALREADY_EXISTS', "A node named 'node2' is in the cluster", { hint: 'choose another --node' }),
  ])('for $code', async (refusal) => {
    const machine = await makeMachine();
    machine.cluster.refusal = refusal;
    const { code, hint } = refusal;
    await expect(join(machine)).rejects.toMatchObject({ code, hint });
    expect(filesOf(machine)).toEqual([]);
  });

  test('for a token that is over, without asking anybody', async () => {
    const machine = await makeMachine();
    const late = { ...machine.ports, now: () => new Date(NOW.getTime() + 61_000) };
    await expect(join(machine, late)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(machine.cluster.keys.size).toBe(0);
    expect(filesOf(machine)).toEqual([]);
  });

  test('for a CA in the answer that is not the one in the token', async () => {
    const machine = await makeMachine();
    const { token } = machine.cluster;
    Object.assign(machine.cluster, { authority: makeAuthority('test', NOW) });
    await expect(join(machine, machine.ports, token)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(filesOf(machine)).toEqual([]);
  });

  test('and the token is in no message', async () => {
    const machine = await makeMachine();
    machine.cluster.refusal = new VoltError('PERMISSION', 'No');
    const thrown: unknown = await join(machine).catch((error: unknown) => error);
    expect(String(thrown)).not.toContain(machine.cluster.token.slice(10, 40));
  });
});

describe('a join that broke off can be repeated, because the key is kept', () => {
  test('when the answer was lost', async () => {
    const machine = await makeMachine();
    machine.cluster.lostAnswer = new VoltError('TIMEOUT', 'No answer');
    await expect(join(machine)).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(filesOf(machine)).toEqual([`${DIR}/node.key`]);
    machine.cluster.lostAnswer = undefined;
    await expect(join(machine)).resolves.toMatchObject({ node: 'node2' });
  });

  test('when the controller did not come up, and a token was wrong in between', async () => {
    const machine = await makeMachine();
    machine.units.broken.add('volt-controller.service');
    machine.cluster.slowness = 1_000_000;
    await expect(join(machine)).rejects.toMatchObject({ code: 'DEPENDENCY' });
    expect(filesOf(machine)).toEqual([`${DIR}/node.key`]);
    expect(machine.units.running.size).toBe(0);
    expect(machine.cluster.withdrawn).toEqual(['node2.00']);
    machine.cluster.refusal = new VoltError('PERMISSION', 'The join token has expired');
    await expect(join(machine)).rejects.toMatchObject({ code: 'PERMISSION' });
    machine.cluster.refusal = undefined;
    machine.cluster.slowness = 1;
    machine.units.broken.clear();
    await expect(join(machine)).resolves.toMatchObject({ node: 'node2' });
    // NATS never lets a name back in that was taken out.
    expect(await machine.files.read(`${DIR}/nats.conf`)).toContain('server_name: "node2.01"');
  });

  test('when the agent was killed, at any moment', { timeout: 60_000 }, async () => {
    let deaths = 0;
    for (let calls = 1; ; calls += 1) {
      const machine = await makeMachine(new FakeCluster());
      const life = new Life(calls);
      const { files, units, controllers } = machine.ports;
      const mortals = {
        files: mortal(files, life),
        units: mortal(units, life),
        controllers: mortal(controllers, life),
      };
      const outcome: unknown = await join(machine, { ...machine.ports, ...mortals }).catch((thrown: unknown) => thrown);
      if (!isDeath(outcome)) break;
      deaths += 1;
      // As the next start of the agent does.
      if (calls % 2 === 0) await createBootstrap(machine.ports).clearHalfMade();
      expect(await join(machine)).toMatchObject({ node: 'node2' });
      expect(filesOf(machine)).not.toContain(`${DIR}/half-made`);
      expect(machine.units.running.size).toBe(2);
    }
    expect(deaths).toBeGreaterThan(20);
  });
});

function isDeath(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown instanceof Died || isDeath(thrown.cause));
}

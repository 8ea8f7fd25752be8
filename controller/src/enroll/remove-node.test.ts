import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { FakeKv, aNode, aStatus } from '@volt/shared/kv/testing';
import { instanceKey } from '@volt/shared/kv';
import type { Member } from '@volt/shared/model';
import {
  keyFingerprint,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  peerIdOf,
  withControllers,
} from '@volt/shared/pki';
import { createEnroll } from './enroll.ts';
import { membersOnKv, revokedOnKv, tokensOnKv, tracesOnKv, turnsOnKv } from './on-kv.ts';
import type { NodeLook } from './ports.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const authority = makeAuthority('test', NOW);
const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), NOW);
const keys = Array.from({ length: 6 }, () => keyFingerprint(createPublicKey(makeKey())));
const conflict = (words: string) => ({ code: 'CONFLICT', message: expect.stringContaining(words) as string });

/** node1 is asked; `controllers` of the nodes are controllers, the first of them. */
async function cluster({ nodes = 4, controllers = 3 }: { nodes?: number; controllers?: number } = {}) {
  const kv = new FakeKv();
  const members = membersOnKv(kv);
  const names = Array.from({ length: nodes }, (_, index) => `node${index + 1}`);
  const of = (node: string): Member => {
    const number = Number(node.slice(4));
    return {
      node,
      address: `192.0.2.${number}`,
      subnet: `10.1.${number}.0/24`,
      roles: number <= controllers ? ['agent', 'controller'] : ['agent'],
      key: keys[number - 1]!,
      user: makeUserKey().publicKey,
      joinedAt: NOW.toISOString(),
    };
  };
  for (const node of names) {
    await members.create(of(node));
    await kv.put('nodes', node, aNode(node));
    await kv.put('status', instanceKey(node, 'web-0'), aStatus(node, 'web-0'));
  }
  const world = {
    kv,
    done: [] as string[],
    current: names.slice(0, controllers),
    away: [] as string[],
    looks: new Map<string, NodeLook>(names.map((node) => [node, { isAlive: true, instances: 0 }])),
    copies: 3,
    clockMs: 0,
    /** What time brings about. */
    onSleep: () => {},
    onLeave: async (_address: string) => {},
    onDone: (_what: string) => {},
    leave(node: string) {
      world.looks.set(node, { isAlive: false, instances: 0 });
      world.stop(node);
    },
    /** Its NATS server does not answer any more. */
    stop(node: string) {
      if (world.current.includes(node)) world.away.push(node);
      world.current = world.current.filter((name) => name !== node);
    },
  };
  const does = (what: string) => {
    world.done.push(what);
    world.onDone(what);
  };
  const revoked = revokedOnKv(kv, () => NOW);
  const traces = tracesOnKv(kv, async (node) => ((await kv.get('nodes', node)) ? world.looks.get(node) : undefined));
  const address = '192.0.2.1';
  const self = { cluster: 'test', node: 'node1', address, subnet: '10.1.1.0/24', range: '10.1.0.0/16' };
  const enroll = createEnroll({
    identity: {
      config: withControllers({ ...self, roles: ['agent', 'controller'] }, [{ node: 'node1', address }]),
      ...{ ca: authority.certificate, cert: '', key: '', creds: '' },
      controller: { creds: '', authority, nats },
    },
    members,
    tokens: tokensOnKv(kv),
    turns: turnsOnKv(kv, () => NOW),
    revoked: {
      ...revoked,
      add: async (key, node) => {
        does(`revoke ${node}`);
        await revoked.add(key, node);
      },
    },
    traces: {
      look: (node) => traces.look(node),
      forget: async (node) => {
        does(`forget ${node}`);
        await traces.forget(node);
      },
    },
    copies: async () => world.copies,
    meta: {
      state: async () => ({
        leader: world.current[0]!,
        current: world.current,
        peers: [...world.current, ...world.away].map((name) => ({ id: peerIdOf(name), isOnline: true })),
        size: world.current.length + world.away.length,
      }),
      reachable: async () => [],
      stepDown: async () => {
        does('step down');
        world.current = [...world.current.slice(1), world.current[0]!];
      },
      remove: async (id) => {
        const name = [...world.current, ...world.away].find((server) => peerIdOf(server) === id)!;
        does(`take out ${name}`);
        world.current = world.current.filter((server) => server !== name);
        world.away = world.away.filter((server) => server !== name);
      },
    },
    clock: {
      monotonicMs: () => world.clockMs,
      sleep: async (ms) => {
        world.clockMs += ms;
        world.onSleep();
      },
    },
    now: () => NOW,
  });
  const leave = async (where: string) => {
    does(`leave ${where}`);
    await world.onLeave(where);
  };
  const remove = (name: string, force = false) => enroll.remove({ name, force, leave });
  const keysLeft = async (node: string) => {
    const left: string[] = [];
    for (const bucket of ['members', 'subnets', 'nodes', 'status', 'heartbeats'] as const) {
      for (const { key, value } of await kv.list(bucket)) {
        const owner = value !== null && 'node' in value ? value.node : key;
        if (owner === node) left.push(`${bucket} ${key}`);
      }
    }
    return left;
  };
  return { world, kv, remove, keysLeft, of, members };
}

describe('deleting a node', () => {
  test('that is dead leaves nothing of it but that its keys are refused', async () => {
    const { world, kv, remove, keysLeft } = await cluster();
    const { user } = (await kv.get('members', 'node4'))!.value!;
    world.leave('node4');
    expect(await remove('node4')).toEqual({ name: 'node4', deleted: true });
    expect(await keysLeft('node4')).toEqual([]);
    expect((await kv.list('revoked')).map(({ key }) => key).toSorted()).toEqual(
      [keys[3]!, user!.toLowerCase()].toSorted(),
    );
    expect(world.done).toEqual(['revoke node4', 'revoke node4', 'forget node4']);
    expect(await keysLeft('node3')).toHaveLength(4);
  });

  test('that is not there changes nothing', async () => {
    const { world, remove } = await cluster();
    expect(await remove('node9')).toEqual({ name: 'node9', deleted: false });
    world.leave('node4');
    await remove('node4');
    expect(await remove('node4')).toEqual({ name: 'node4', deleted: false });
  });

  test('that is alive and runs something is refused, unless it is forced', async () => {
    const { world, kv, remove } = await cluster();
    world.looks.set('node4', { isAlive: true, instances: 2 });
    await expect(remove('node4')).rejects.toMatchObject(conflict('alive and runs 2 instances'));
    expect([world.done, await kv.list('revoked')]).toEqual([[], []]);
    world.onLeave = async () => world.leave('node4');
    expect(await remove('node4', true)).toMatchObject({ deleted: true });
  });

  test('that is alive tells it first, and fails when it cannot be told, unless it is forced', async () => {
    const { world, remove } = await cluster();
    world.onLeave = () => Promise.reject(new VoltError('NETWORK', 'no answer'));
    await expect(remove('node4')).rejects.toMatchObject({ code: 'NETWORK' });
    expect(world.done).toEqual(['leave 192.0.2.4']);
    // Its user is refused, so it falls silent.
    world.onSleep = () => world.leave('node4');
    expect(await remove('node4', true)).toMatchObject({ deleted: true });
  });

  test('waits for what it ran to be moved, and forgets nothing as long as it has not', async () => {
    const { world, remove, keysLeft } = await cluster();
    world.looks.set('node4', { isAlive: false, instances: 1 });
    await expect(remove('node4')).rejects.toMatchObject(conflict('1 instance that did not move'));
    expect(await keysLeft('node4')).toHaveLength(4);
    world.onSleep = () => world.leave('node4');
    expect(await remove('node4')).toMatchObject({ deleted: true });
  });

  test('frees its name and its subnet for another', async () => {
    const { world, kv, remove, of, members } = await cluster();
    world.leave('node4');
    await remove('node4');
    await members.create({ ...of('node4'), key: keys[5]! });
    expect((await kv.get('members', 'node4'))?.value?.key).toBe(keys[5]);
  });

  test('ends what was cut short, wherever that was', async () => {
    for (let death = 1; death <= 4; death += 1) {
      const { world, remove, keysLeft } = await cluster();
      world.leave('node3');
      world.onDone = () => {
        if (world.done.length === death) throw new Error('killed');
      };
      await remove('node3').catch(() => {});
      world.onDone = () => {};
      await remove('node3');
      expect(await keysLeft('node3')).toEqual([]);
      expect([world.current, world.away]).toEqual([['node1', 'node2'], []]);
    }
  });
});

describe('deleting a controller', () => {
  test('takes out its server before its name is free', async () => {
    const { world, remove } = await cluster();
    world.leave('node3');
    await remove('node3');
    expect(world.done).toEqual(['revoke node3', 'revoke node3', 'take out node3', 'forget node3']);
  });

  test('whose server leads has another lead first', async () => {
    const { world, remove } = await cluster();
    world.current = ['node3', 'node1', 'node2'];
    world.looks.set('node3', { isAlive: false, instances: 0 });
    await remove('node3');
    expect(world.done.indexOf('step down')).toBeLessThan(world.done.indexOf('take out node3'));
  });

  type World = Awaited<ReturnType<typeof cluster>>['world'];
  test.each<[string, string, string, (world: World) => void]>([
    ['the one that was asked', 'node1', 'that was asked', () => {}],
    ['one of two', 'node2', 'too few', (world) => world.stop('node3')],
    ['one that may hold the only copy of something', 'node3', 'may hold', (world) => void (world.copies = 2)],
  ])('is refused for %s, and changes nothing', async (_what, name, words, arrange) => {
    const { world, remove } = await cluster();
    arrange(world);
    const before = await world.kv.list('members');
    await expect(remove(name, true)).rejects.toMatchObject(conflict(words));
    expect(world.done).toEqual([]);
    expect(await world.kv.list('members')).toEqual(before);
  });

  test('is refused for the last one', async () => {
    const { world, remove, kv } = await cluster({ controllers: 2 });
    const { value, revision } = (await kv.get('members', 'node1'))!;
    await kv.update('members', 'node1', { ...value!, roles: ['agent'] }, revision);
    world.leave('node2');
    await expect(remove('node2')).rejects.toMatchObject(conflict('the last controller'));
  });

  test('waits for another deletion, which would otherwise count on it', async () => {
    const { world, remove, kv } = await cluster({ controllers: 4 });
    world.leave('node3');
    const lease = { holder: 'node4', session: '-leaving.00', token: 1, renewedAt: NOW.toISOString() };
    await kv.create('leases', 'join', lease);
    await expect(remove('node3')).rejects.toMatchObject(conflict("Node 'node4' is being deleted"));
    await kv.delete('nodes', 'node4');
    expect(await remove('node3')).toMatchObject({ deleted: true });
  });
});

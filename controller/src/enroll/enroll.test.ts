import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FakeKv, FakeKvStore, aNode } from '@volt/shared/kv/testing';
import {
  credentialsText,
  issue,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeRequest,
  makeUserKey,
  peerIdOf,
  withControllers,
  type MetaState,
} from '@volt/shared/pki';
import { createEnroll } from './enroll.ts';
import { membersOnKv, revokedOnKv, tokensOnKv, tracesOnKv, turnsOnKv } from './on-kv.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const now = () => NOW;
const authority = makeAuthority('test', NOW);
const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), NOW);
const userKey = makeUserKey().publicKey;
const WITNESS = 'node1.witness';

/** A cluster of some settled controllers, all of which can be asked. */
function cluster(controllers: number) {
  const store = new FakeKvStore();
  const kv = new FakeKv(store);
  const done: string[] = [];
  const names = Array.from({ length: controllers }, (_, index) => `node${index + 1}`);
  const world = { done, kv, clockMs: 0, current: [...names, WITNESS], away: [] as string[], onSleep: async () => {} };
  const state = (): MetaState => ({
    leader: 'node1',
    current: world.current,
    peers: [
      ...world.current.map((name) => ({ id: peerIdOf(name), isOnline: true })),
      ...world.away.map((name) => ({ id: peerIdOf(name), isOnline: false })),
    ],
    size: world.current.length + world.away.length,
  });
  const enrolls = names.map((node, index) => {
    const line = new FakeKv(store);
    // As far away as the other: what one writes, the other sees late.
    line.latency = () => new Promise((resolve) => setImmediate(resolve));
    const address = `192.0.2.${index + 1}`;
    const self = { cluster: 'test', node, address, subnet: `10.1.${index}.0/24`, range: '10.1.0.0/16' };
    const key = makeKey();
    const cert = issue(authority, createPublicKey(key), { name: node, roles: ['node'], addresses: [address] }, NOW);
    return createEnroll({
      identity: {
        config: withControllers({ ...self, roles: ['agent', 'controller'] }, [{ node, address }]),
        ...{ ca: authority.certificate, cert, key, creds: credentialsText('jwt', makeUserKey().seed) },
        controller: { creds: '', authority, nats },
      },
      members: membersOnKv(line),
      tokens: tokensOnKv(line),
      turns: turnsOnKv(line, now),
      revoked: revokedOnKv(line, now),
      traces: tracesOnKv(line, async () => undefined),
      copies: async () => 3,
      meta: {
        state: async () => state(),
        reachable: async () => [],
        stepDown: async () => {},
        remove: async (id) => {
          done.push(id);
          world.away = world.away.filter((name) => peerIdOf(name) !== id);
          world.current = world.current.filter((name) => peerIdOf(name) !== id);
        },
      },
      clock: {
        monotonicMs: () => world.clockMs,
        sleep: async (ms) => {
          world.clockMs += ms;
          await world.onSleep();
        },
      },
      now,
    });
  });
  return { world, enrolls, settle: (node: string) => kv.put('nodes', node, aNode(node)) };
}

const keys = new Map<string, string>();
const keyOf = (node: string): string => keys.get(node) ?? (keys.set(node, makeKey()), keys.get(node)!);

const request = (token: string, node: string, role: 'auto' | 'controller' | 'agent' = 'auto') => ({
  token,
  node,
  address: `192.0.2.${10 + Number(node.slice(4))}`,
  role,
  certificateRequest: makeRequest(keyOf(node)),
  userKey,
});

/** The nodes take their first seats, as they do on the way to a cluster of that size. */
async function formed(controllers: number) {
  const { world, enrolls, settle } = cluster(controllers);
  const { join: token } = await enrolls[0]!.makeToken({ ttl: 600, role: 'auto' });
  await settle('node1');
  for (let index = 1; index < controllers; index += 1) {
    const node = `node${index + 1}`;
    const address = `192.0.2.${index + 1}`;
    const subnet = `10.1.${index}.0/24`;
    const record = { node, address, subnet, key: 'a'.repeat(64), joinedAt: NOW.toISOString() };
    await membersOnKv(world.kv).create({ ...record, roles: ['agent', 'controller'] });
    await settle(node);
  }
  const [first, second] = enrolls;
  return { world, settle, token, first: first!, second: second! };
}

describe('two nodes that ask two controllers at the same moment', () => {
  test('do not both become the third', async () => {
    const { first, second, token, world, settle } = await formed(2);
    world.onSleep = async () => {
      await settle('node3');
      await settle('node4');
    };
    const both = [first.enroll(request(token, 'node3')), second.enroll(request(token, 'node4'))];
    const roles = (await Promise.all(both)).map((answer) => answer.roles.length);
    expect(roles.toSorted()).toEqual([1, 2]);
    const members = await membersOnKv(world.kv).list();
    expect(members.filter(({ roles: given }) => given.includes('controller'))).toHaveLength(3);
  });

  test('become the second and the third one after the other', async () => {
    const { first, token, world, settle } = await formed(1);
    const joined: string[] = [];
    const both = ['node2', 'node3'].map(async (node) => {
      const answer = await first.enroll(request(token, node));
      joined.push(node);
      return answer.server;
    });
    world.onSleep = async () => {
      // Whoever sleeps waits for the other, which takes as long as signing takes on this machine.
      await Promise.any(both);
      for (const node of joined) await settle(node);
    };
    expect(await Promise.all(both)).toEqual([
      expect.stringMatching(/^node2\.[0-9a-f]{8}$/),
      expect.stringMatching(/^node3\.[0-9a-f]{8}$/),
    ]);
  });
});

describe('while a node is becoming a controller', () => {
  test('another is told so after 30 s, and is recorded nowhere', async () => {
    const { first, token, world } = await formed(1);
    await first.enroll(request(token, 'node2'));
    await expect(first.enroll(request(token, 'node3'))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining("'node2' is becoming a controller") as string,
    });
    expect(world.clockMs).toBe(30_000);
    expect((await membersOnKv(world.kv).list()).map(({ node }) => node)).toEqual(['node1', 'node2']);
  });

  test('it may ask again, and agents are taken in', async () => {
    const { first, token, world } = await formed(1);
    const once = await first.enroll(request(token, 'node2'));
    const again = await first.enroll(request(token, 'node2'));
    expect(again.server).not.toBe(once.server);
    expect((await first.enroll(request(token, 'node3', 'agent'))).server).toBeNull();
    expect(world.clockMs).toBe(0);
  });

  test('its turn ends after two minutes', async () => {
    const { first, token, world } = await formed(1);
    await first.enroll(request(token, 'node2'));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(first.enroll(request(token, 'node3'))).rejects.toMatchObject({ code: 'CONFLICT' });
    }
    world.clockMs += 30_000;
    await expect(first.enroll(request(token, 'node3'))).resolves.toMatchObject({ roles: ['agent', 'controller'] });
  });
});

describe('before a controller is taken in', () => {
  test('what earlier attempts left is taken out, and nothing else', async () => {
    const { first, token, world } = await formed(3);
    const { server: ended } = await first.enroll(request(token, 'node4', 'controller'));
    await expect(first.enroll(request(token, 'node5', 'controller'))).rejects.toMatchObject({ code: 'CONFLICT' });
    world.clockMs += 120_000;
    const { server: own } = await first.enroll(request(token, 'node5', 'controller'));
    const left = ['node9.00', ended!, own!];
    world.away = left;
    await first.enroll(request(token, 'node5', 'controller'));
    expect(world.done).toEqual(left.map(peerIdOf));
    expect(world.current).toEqual(['node1', 'node2', 'node3', WITNESS]);
  });

  test('there must be a majority without it, or it is not recorded and the turn is given back', async () => {
    const { first, token, world } = await formed(2);
    world.current = ['node1', WITNESS];
    world.away = ['node2'];
    await expect(first.enroll(request(token, 'node3'))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('Only 2 of 3') as string,
    });
    expect(world.done).toEqual([]);
    expect((await membersOnKv(world.kv).list()).map(({ node }) => node)).toEqual(['node1', 'node2']);
    expect((await turnsOnKv(world.kv, now).get())?.node).toBeNull();
  });
});

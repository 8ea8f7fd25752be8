import { describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import {
  clusterPath,
  makeAuthority,
  makeNatsAuthority,
  makeUserKey,
  natsPaths,
  natsServer,
  peerIdOf,
  readConfig,
  readNatsAuthority,
  renderNats,
  withControllers,
  witnessServer,
  writeConfig,
  type MetaState,
} from '@volt/shared/pki';
import { createServerKeeper } from './servers.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const permissionsFor = () => ({ publish: ['a'], subscribe: ['b'] });
const ours = await makeNatsAuthority('test', permissionsFor, NOW);
const authority = makeAuthority('test', NOW);

const peer = (number: number) => ({ node: `node${number}`, address: `192.0.2.${number}` });
const member = (number: number): Member => ({
  ...peer(number),
  subnet: `10.1.${number}.0/24`,
  roles: ['agent', 'controller'],
  key: 'a'.repeat(64),
  joinedAt: NOW.toISOString(),
});
const config = withControllers(
  { cluster: 'test', ...peer(1), subnet: '10.1.0.0/24', range: '10.1.0.0/16', roles: ['agent', 'controller'] },
  [peer(1)],
);
const WITNESS = 'node1.witness';

/** Servers that all do their part, and others that are counted on but away. */
function servers(leader: string, current: readonly string[], away: readonly string[] = []): MetaState {
  const peers = [
    ...current.map((name) => ({ id: peerIdOf(name), isOnline: true })),
    ...away.map((name) => ({ id: peerIdOf(name), isOnline: false })),
  ];
  return { leader, current, peers, size: peers.length };
}

/** The first node as `cluster init` left it, and what was done to it since. */
function firstNode(nats = ours, route?: string) {
  const done: string[] = [];
  const node = { cluster: 'test', ...peer(1), server: 'node1', peers: [], hasWitness: true, authority: nats };
  const files = new Map([
    [clusterPath('config'), writeConfig(config)],
    [clusterPath('nats'), renderNats(natsServer(node, natsPaths('data')))],
    [clusterPath('witness'), renderNats(witnessServer(node, natsPaths('witness')))],
  ]);
  const world = {
    done,
    files,
    members: [member(1)],
    /** Nodes that have not told of themselves. */
    unsettled: new Set<string>(),
    revoked: [] as { key: string; until: Date }[] | undefined,
    refused: [] as readonly string[],
    turn: undefined as { node: string | null; server: string } | undefined,
    state: servers('node1', ['node1', WITNESS]) as MetaState | undefined,
    atMs: NOW.getTime(),
  };
  const keeper = createServerKeeper({
    identity: {
      config,
      ca: '',
      cert: '',
      key: '',
      creds: '',
      controller: { creds: '', authority, nats, ...(route === undefined ? {} : { route }) },
    },
    members: {
      list: async () => world.members,
      settled: async () => {
        const names = world.members.map(({ node }) => node);
        return new Set(names.filter((name) => !world.unsettled.has(name)));
      },
      update: async (one) =>
        void (world.members = world.members.map((other) => (other.node === one.node ? one : other))),
    },
    revoked: {
      list: async () => {
        if (world.revoked === undefined) throw new VoltError('NETWORK', 'away');
        return world.revoked;
      },
      delete: async (key) => void done.push(`forget ${key}`),
    },
    refuse: (keys) => void (world.refused = keys),
    turns: {
      get: async () => world.turn && { ...world.turn, revision: 1 },
      set: async (turn) => void (world.turn = turn),
    },
    files: {
      read: async (path) => files.get(path),
      write: async (path, text) => void files.set(path, text),
      remove: async (path) => void files.delete(path),
      removeTree: async (path) => void done.push(`remove ${path}`),
    },
    units: {
      reload: async (unit) => void done.push(`reload ${unit}`),
      restart: async (unit) => void done.push(`restart ${unit}`),
      forget: async (unit) => void done.push(`forget ${unit}`),
    },
    meta: {
      state: async () => {
        if (world.state === undefined) throw new VoltError('NETWORK', 'no leader');
        return world.state;
      },
      reachable: async () => ['node1', WITNESS],
      stepDown: async () => void done.push('step down'),
      remove: async (id) => void done.push(`take out ${id}`),
    },
    permissionsFor,
    now: () => new Date(world.atMs),
  });
  return { ...world, world, keeper };
}

const three = [member(1), member(2), member(3)];
const all = ['node1', 'node2', 'node3', WITNESS];
/** It is counted on until the group's size says otherwise. */
const oneTooMany = { ...servers('node2', all.slice(0, 3)), size: 4 };
const takenOut = `take out ${peerIdOf(WITNESS)}`;

describe('a pass', () => {
  test('changes nothing where nothing changed', async () => {
    const { keeper, done, files } = firstNode();
    const before = new Map(files);
    await keeper.pass();
    expect(done).toEqual([]);
    expect(files).toEqual(before);
  });

  test('leads the next start to a controller that joined, and has both servers read it', async () => {
    const { keeper, world, done, files } = firstNode();
    world.members = [member(1), member(2)];
    await keeper.pass();
    expect(done).toEqual(['reload volt-nats.service', 'reload volt-nats-witness.service']);
    expect(files.get(clusterPath('nats'))).toContain('nats://192.0.2.2:6222');
    const { servers } = readConfig(files.get(clusterPath('config'))!, 'cluster.json');
    expect(servers).toEqual(['192.0.2.1:4222', '192.0.2.2:4222']);
    await keeper.pass();
    expect(done).toHaveLength(2);
  });

  test('gives roles what this release asks for, once', async () => {
    const { account } = await makeNatsAuthority('test', () => ({ publish: [], subscribe: [] }), NOW);
    const { keeper, done, files } = firstNode({ ...ours, account });
    await keeper.pass();
    expect(done).toEqual(['reload volt-nats.service', 'reload volt-nats-witness.service']);
    expect(files.get(clusterPath('natsAuthority'))).not.toContain(account);
    await keeper.pass();
    expect(done).toHaveLength(2);
  });
});

describe('a node that was deleted', () => {
  const user = makeUserKey().publicKey;
  const live = { key: user.toLowerCase(), until: new Date(NOW.getTime() + 1000) };
  const certificate = { key: 'c'.repeat(64), until: live.until };
  const revocationsIn = (files: ReadonlyMap<string, string>) => {
    const text = files.get(clusterPath('natsAuthority'));
    const { account } = text === undefined ? ours : readNatsAuthority(text, 'nats-authority.json');
    const claims = Buffer.from(account.split('.')[1]!, 'base64url').toString();
    return (JSON.parse(claims) as { nats: { revocations?: Record<string, number> } }).nats.revocations;
  };

  test('is refused by NATS and by the doors of this controller, and nothing is done twice', async () => {
    const { keeper, world, done, files } = firstNode();
    world.revoked = [live, certificate];
    await keeper.pass();
    expect(world.refused).toEqual([live.key, certificate.key]);
    expect(revocationsIn(files)).toEqual({ [user]: Math.floor(live.until.getTime() / 1000) });
    expect(done).toEqual(['reload volt-nats.service', 'reload volt-nats-witness.service']);
    await keeper.pass();
    expect(done).toHaveLength(2);
  });

  test('stays refused while the state of the cluster is away', async () => {
    const { keeper, world, done, files } = firstNode();
    world.revoked = [live, certificate];
    await keeper.pass();
    world.revoked = undefined;
    await keeper.pass();
    expect(world.refused).toHaveLength(2);
    expect(Object.keys(revocationsIn(files) ?? {})).toEqual([user]);
    expect(done).toHaveLength(2);
  });

  test('is forgotten when all that was signed for it is over', async () => {
    const { keeper, world, done } = firstNode();
    world.revoked = [live];
    world.atMs = live.until.getTime();
    await keeper.pass();
    expect([world.refused, done]).toEqual([[], [`forget ${live.key}`]]);
  });
});

describe('neighbours', () => {
  const known = (number: number): Member => ({ ...member(number), route: String(number).repeat(64) });
  const pins = (files: ReadonlyMap<string, string>) =>
    /pinned_certs: \[(.*)\]/.exec(files.get(clusterPath('nats'))!)?.[1];

  test('are the controllers there are, and those that join', async () => {
    const { keeper, world, files } = firstNode();
    world.members = [known(1), known(2), { ...member(3), roles: ['agent'] }];
    world.unsettled = new Set(['node2']);
    await keeper.pass();
    expect(pins(files)).toBe(`"${'1'.repeat(64)}", "${'2'.repeat(64)}"`);
    expect(files.get(clusterPath('witness'))).toContain('pinned_certs');
  });

  test('are whoever has a certificate while the key of one is not known', async () => {
    const { keeper, world, files } = firstNode();
    world.members = [known(1), member(2)];
    await keeper.pass();
    expect(pins(files)).toBeUndefined();
  });

  test('are told the key that this node shows', async () => {
    const route = 'e'.repeat(64);
    const { keeper, world } = firstNode(ours, route);
    await keeper.pass();
    expect(world.members).toEqual([{ ...member(1), route }]);
  });
});

describe('the witness', () => {
  test.each<[string, Member[], MetaState, string[]]>([
    ['stays while there are two', [member(1), member(2)], servers('node1', ['node1', 'node2', WITNESS]), []],
    ['stays while one of three is behind', three, { ...servers('node1', all), current: all.slice(1) }, []],
    ['hands over when it leads', three, servers(WITNESS, all), ['step down']],
    ['is taken out', three, servers('node2', all), [takenOut]],
    ['is taken out again when that was lost', three, oneTooMany, [takenOut]],
    [
      'is forgotten when nobody counts on it any more',
      three,
      servers('node2', all.slice(0, 3)),
      ['forget volt-nats-witness.service', 'remove /var/lib/volt/nats-witness'],
    ],
  ])('%s', async (_, members, state, expected) => {
    const { keeper, world, done, files } = firstNode();
    Object.assign(world, { members, state });
    await keeper.pass();
    expect(done.filter((step) => !step.startsWith('reload'))).toEqual(expected);
    const isGone = expected.length === 2;
    expect(files.has(clusterPath('witness'))).toBe(!isGone);
    expect(files.get(clusterPath('nats'))?.includes(':6223')).toBe(!isGone);
  });
});

describe('a join that broke off', () => {
  const joining = { ...member(2), server: 'node2.a1' };
  const away = servers('node1', ['node1', WITNESS], ['node2.a1']);
  const broken = { members: [member(1), joining], unsettled: new Set(['node2']), state: away };
  const seconds = async ({ keeper, world }: ReturnType<typeof firstNode>, count: number) => {
    for (let passed = 0; passed <= count; passed += 5) {
      await keeper.pass();
      world.atMs += 5000;
    }
  };

  test('changes no routes', async () => {
    const first = firstNode();
    Object.assign(first.world, broken);
    await first.keeper.pass();
    expect(first.done).toEqual([]);
    expect(first.files.get(clusterPath('nats'))).not.toContain('192.0.2.2');
  });

  test('leaves a server that is taken out after 20 s, and then it is the turn of others', async () => {
    const first = firstNode();
    Object.assign(first.world, broken, { turn: { node: 'node2', server: 'node2.a1' } });
    await seconds(first, 15);
    expect(first.done).toEqual([]);
    await seconds(first, 0);
    expect(first.done).toEqual([`take out ${peerIdOf('node2.a1')}`]);
    expect(first.world.turn?.node).toBeNull();
  });

  test('takes no turn from the attempt that follows', async () => {
    const first = firstNode();
    Object.assign(first.world, broken, { turn: { node: 'node2', server: 'node2.a2' } });
    await seconds(first, 20);
    expect(first.world.turn?.node).toBe('node2');
  });

  test('is not one whose server is only started again', async () => {
    const first = firstNode();
    Object.assign(first.world, broken);
    await seconds(first, 15);
    first.world.state = servers('node1', ['node1', WITNESS, 'node2.a1']);
    await seconds(first, 0);
    first.world.state = away;
    await seconds(first, 15);
    expect(first.done).toEqual([]);
  });

  test.each<[string, Partial<ReturnType<typeof firstNode>['world']>, string[]]>([
    ['a member is kept, however long it is away', { unsettled: new Set() }, []],
    ['a name that no node goes by is not', { members: [member(1)] }, [`take out ${peerIdOf('node2.a1')}`]],
  ])('the server of %s', async (_, change, expected) => {
    const first = firstNode();
    Object.assign(first.world, broken, change);
    await seconds(first, 20);
    expect(first.done.filter((step) => !step.startsWith('reload'))).toEqual(expected);
  });

  test('does not end the witness', async () => {
    const first = firstNode();
    const state = servers('node1', all);
    Object.assign(first.world, { members: three, unsettled: new Set(['node3']), state });
    await first.keeper.pass();
    expect(first.done.filter((step) => !step.startsWith('reload'))).toEqual([]);
  });
});

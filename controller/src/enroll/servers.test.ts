import { describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import {
  clusterPath,
  makeAuthority,
  makeNatsAuthority,
  natsPaths,
  natsServer,
  readConfig,
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

/** The first node as `cluster init` left it, and what was done to it since. */
function firstNode(nats = ours) {
  const done: string[] = [];
  const node = { cluster: 'test', ...peer(1), peers: [], hasWitness: true, authority: nats };
  const files = new Map([
    [clusterPath('config'), writeConfig(config)],
    [clusterPath('nats'), renderNats(natsServer(node, natsPaths('data')))],
    [clusterPath('witness'), renderNats(witnessServer(node, natsPaths('witness')))],
  ]);
  const world = {
    done,
    files,
    members: [member(1)],
    state: { leader: 'node1', current: ['node1', WITNESS], size: 2 } as MetaState | undefined,
  };
  const keeper = createServerKeeper({
    identity: { config, ca: '', cert: '', key: '', creds: '', controller: { creds: '', authority, nats } },
    members: { list: async () => world.members },
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
      remove: async (server) => void done.push(`take out ${server}`),
    },
    permissionsFor,
    now: () => NOW,
  });
  return { ...world, world, keeper };
}

const three = [member(1), member(2), member(3)];
const all = ['node1', 'node2', 'node3', WITNESS];

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

describe('the witness', () => {
  test.each<[string, Member[], MetaState, string[]]>([
    ['stays while there are two', [member(1), member(2)], { leader: 'node1', current: all, size: 3 }, []],
    ['stays while one of three is behind', three, { leader: 'node1', current: all.slice(1), size: 4 }, []],
    ['hands over when it leads', three, { leader: WITNESS, current: all, size: 4 }, ['step down']],
    ['is taken out', three, { leader: 'node2', current: all, size: 4 }, [`take out ${WITNESS}`]],
    [
      'is forgotten when nobody counts on it any more',
      three,
      { leader: 'node2', current: all.slice(0, 3), size: 3 },
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

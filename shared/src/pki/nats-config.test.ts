import { expect, test } from 'vitest';
import {
  makeServerName,
  natsPaths,
  natsServer,
  peerIdOf,
  renderNats,
  serverNameIn,
  witnessServer,
} from './nats-config.ts';

const node = {
  cluster: 'volt',
  node: 'node1',
  server: 'node1',
  address: '192.0.2.1',
  peers: [
    { node: 'node2', address: '192.0.2.2' },
    { node: 'node1', address: '192.0.2.1' },
  ],
  hasWitness: true,
  authority: {
    operator: 'OP.JWT',
    account: 'ACC.JWT',
    systemAccount: 'SYS.JWT',
    accountKey: 'AKEY',
    systemAccountKey: 'SKEY',
  },
};

test('the server of a controller', () => {
  expect(renderNats(natsServer(node, natsPaths('data')))).toMatchSnapshot();
});

test('the witness beside it', () => {
  expect(renderNats(witnessServer(node, natsPaths('witness')))).toMatchSnapshot();
});

test('a server whose neighbours are known lets no other in', () => {
  const neighbours = ['b'.repeat(64), 'a'.repeat(64)];
  const text = renderNats(natsServer({ ...node, neighbours }, natsPaths('data')));
  expect(text).toContain(`pinned_certs: ["${'a'.repeat(64)}", "${'b'.repeat(64)}"] }`);
  expect(text.split('pinned_certs')).toHaveLength(2);
});

test('the order of peers makes no difference, so that a file is rewritten only for a change', () => {
  const reversed = { ...node, peers: node.peers.toReversed() };
  expect(renderNats(natsServer(reversed, natsPaths('data')))).toBe(renderNats(natsServer(node, natsPaths('data'))));
});

test('a server has another name in each attempt, and its configuration tells which', () => {
  const names = ['node2', 'node2'].map(makeServerName);
  expect(new Set(names).size).toBe(2);
  for (const server of names) {
    expect(server).toMatch(/^node2\.[0-9a-f]{8}$/);
    expect(serverNameIn(renderNats(natsServer({ ...node, server }, natsPaths('data'))))).toBe(server);
  }
  expect(serverNameIn('port: 4222')).toBeUndefined();
});

test("what Raft calls a server is made of the server's name", () => {
  // As nats-server 2.10.27 reported them.
  expect(['node1', 'node2', 'node1.witness'].map(peerIdOf)).toEqual(['GIvRG5Xf', 'LrEq5buP', 'bEOViqyL']);
});

test('a value that would end its quotes is a bug, not a line of configuration', () => {
  const evil = { ...node, cluster: 'volt" }\nauthorization: {' };
  expect(() => renderNats(natsServer(evil, natsPaths('data')))).toThrow('Not a value');
});

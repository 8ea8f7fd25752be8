import { expect, test } from 'vitest';
import { natsPaths, natsServer, renderNats, witnessServer } from './nats-config.ts';

const node = {
  cluster: 'volt',
  node: 'node1',
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

test('the order of peers makes no difference, so that a file is rewritten only for a change', () => {
  const reversed = { ...node, peers: node.peers.toReversed() };
  expect(renderNats(natsServer(reversed, natsPaths('data')))).toBe(renderNats(natsServer(node, natsPaths('data'))));
});

test('a value that would end its quotes is a bug, not a line of configuration', () => {
  const evil = { ...node, cluster: 'volt" }\nauthorization: {' };
  expect(() => renderNats(natsServer(evil, natsPaths('data')))).toThrow('Not a value');
});

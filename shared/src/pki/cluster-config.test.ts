import { describe, expect, test } from 'vitest';
import { readConfig, withControllers, writeConfig } from './cluster-config.ts';

const node2 = {
  cluster: 'volt',
  node: 'node2',
  address: '192.0.2.2',
  subnet: '10.1.1.0/24',
  range: '10.1.0.0/16',
  roles: ['agent' as const, 'controller' as const],
};
const peers = [
  { node: 'node1', address: '192.0.2.1' },
  { node: 'node2', address: '192.0.2.2' },
];
const config = withControllers(node2, peers);
const text = writeConfig(config);

test('a configuration survives being written and read', () => {
  expect(readConfig(text, 'cluster.json')).toEqual(config);
});

test('a controller is the first in its own list', () => {
  expect(config.servers).toEqual(['192.0.2.2:4222', '192.0.2.1:4222']);
  expect(config.controllers).toEqual(['192.0.2.2:7444', '192.0.2.1:7444']);
});

test('controllers that were known tell on which port all of them listen', () => {
  const { controllers } = withControllers({ ...node2, controllers: ['192.0.2.1:9444'] }, peers);
  expect(controllers).toEqual(['192.0.2.2:9444', '192.0.2.1:9444']);
});

describe('INVALID_CONFIG names the file and the field', () => {
  const without = (field: string) => JSON.stringify({ ...config, [field]: undefined });
  test.each<[string, string, string]>([
    ['no JSON', '{', "'cluster.json' is not JSON"],
    ['a list', '[]', "'cluster.json': the whole: "],
    ['a missing field', without('subnet'), "'cluster.json': subnet: "],
    ['a wrong role', text.replace('"agent"', '"king"'), "'cluster.json': roles.0: "],
    ['a field too many', text.replace('{', '{"x": 1,'), "'cluster.json': the whole: "],
    ['a server without a port', text.replace('192.0.2.1:4222', '192.0.2.1'), "'cluster.json': servers.1: "],
  ])('%s', (_, hostile, message) => {
    const read = () => readConfig(hostile, 'cluster.json');
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }) as Error);
  });
});

import { VoltError } from '@volt/shared/errors';
import { expect, test } from 'vitest';
import {
  checkLabDir,
  checkLabName,
  checkNodeCount,
  labPaths,
  nodeIndex,
  nodeMac,
  nodeName,
  NODES_MAX,
  relays,
} from './settings.ts';

const usage = expect.objectContaining({ code: 'USAGE' });

test.each(['volt', 'v', 'volt-test-2'])('lab name %j is usable', (name) => expect(checkLabName(name)).toBe(name));
test.each(['', '-a', '1a', 'A', 'a.b', 'a/b', '..', 'a'.repeat(22)])('lab name %j is not usable', (name) =>
  expect(() => checkLabName(name)).toThrow(usage),
);

test('a lab folder is made plain', () => expect(checkLabDir('/var/tmp//lab/')).toBe('/var/tmp/lab'));
test.each(['/', '//', 'relative', '/a,b', '/a:b', '/a b', `/${'a'.repeat(56)}`])('lab folder %j is not usable', (dir) =>
  expect(() => checkLabDir(dir)).toThrow(VoltError),
);

test.each([0, -1, 1.5, Number.NaN, NODES_MAX + 1])('%d nodes are not a lab', (count) =>
  expect(() => checkNodeCount(count)).toThrow(usage),
);

test('every node has a name that leads back to its number', () => {
  for (let index = 1; index <= NODES_MAX; index += 1) expect(nodeIndex(nodeName(index))).toBe(index);
});
test.each(['node', 'node0', 'node01', 'node100', 'xnode1', 'node1 '])('%j is not a node', (name) =>
  expect(nodeIndex(name)).toBeUndefined(),
);

test('network cards have different, locally administered unicast addresses', () => {
  const macs = Array.from({ length: NODES_MAX }, (_, i) => nodeMac(i + 1));
  expect(new Set(macs).size).toBe(NODES_MAX);
  for (const mac of macs) expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
});

test('labs share their folder and nothing in it but the caches', () => {
  const [one, two] = [labPaths('/lab', 'one'), labPaths('/lab', 'two')];
  expect(one.packageCache).toBe(two.packageCache);
  for (const key of ['lab', 'state', 'bin', 'gateway'] as const) expect(one[key]).not.toBe(two[key]);
});

test('no two relays want the same port of the host, whatever the number of nodes', () => {
  const ports = relays.flatMap((relay) => Array.from({ length: NODES_MAX }, (_, i) => relay.hostPortBase + i + 1));
  expect(new Set(ports).size).toBe(ports.length);
});

import { expect, test } from 'vitest';
import { enterCommand, isFirstProcess } from './node.ts';
import { bootCommand, machineId, nodeFiles, nodeFolders } from './node-image.ts';

const settings = {
  lab: 'volt',
  index: 2,
  base: '/lab/base',
  bin: '/lab/bin',
  folders: nodeFolders('/lab/labs/volt', 2),
  cgroupFolders: ['/cg/volt.lab/node2'],
  devices: ['/dev/fuse'],
};

test('a node boots on its own layer over the shared image', () => {
  const argv = bootCommand(settings);
  expect(argv).toContain(
    'lowerdir=/lab/base,upperdir=/lab/labs/volt/node2/upper,workdir=/lab/labs/volt/node2/work,index=on',
  );
  expect(argv).toContain('--bind=/lab/labs/volt/node2/volt:/var/lib/volt');
  expect(argv).toContain('--bind-ro=/lab/bin:/usr/local/bin');
  expect(argv).toContain('--bind=/dev/fuse');
  expect(argv).toContain('--network-namespace-path=/run/netns/volt.node2');
});

test('a node has no user namespace, so that its containers can have theirs', () => {
  expect(bootCommand(settings).filter((word) => word.includes('private-users'))).toEqual([]);
});

test('values reach the boot script as arguments and never as its text', () => {
  const script = (lab: string) =>
    bootCommand({ ...settings, lab }).find((word) => word.includes('systemd-nspawn "$@"'));
  expect(script('volt')).toBe(script('other'));
});

test('machine ids are stable and differ between nodes and labs', () => {
  expect(machineId('volt', 1)).toBe(machineId('volt', 1));
  expect(machineId('volt', 1)).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set([machineId('volt', 1), machineId('volt', 2), machineId('other', 1)]).size).toBe(3);
});

test('every node knows every other, and itself by its address', () => {
  const hosts = nodeFiles('volt', 2)['/etc/hosts']?.split('\n') ?? [];
  expect(hosts).toContain('10.99.0.1 node1');
  expect(hosts).toContain('10.99.0.2 node2 node2.lab');
  expect(hosts).toContain('10.99.0.64 node64');
  expect(hosts).toContain('10.99.0.254 gateway deb.debian.org security.debian.org');
});

test.each([
  ['the first process of a node', 'NSpid:\t4711\t1\n', true],
  ['one further in a namespace of the host', 'NSpid:\t9\t4711\t1\n', true],
  ['another process of a node', 'NSpid:\t4712\t17\n', false],
  ['the first process of the host', 'NSpid:\t1\n', false],
  ['a process that ended meanwhile', '', false],
])('%s', (_, status, expected) => expect(isFirstProcess(status)).toBe(expected));

test('a command joins its group before it enters the node', () => {
  const argv = enterCommand('/cg/exec', 42, ['echo', '$(reboot)']);
  expect(argv.slice(0, 2)).toEqual(['/bin/sh', '-c']);
  expect(argv.slice(3)).toEqual(['lab-exec', '/cg/exec', '--target=42', '--all', '--', 'echo', '$(reboot)']);
});

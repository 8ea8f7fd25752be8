import { expect, test } from 'vitest';
import { addedHosts, Environment, givenDevices, givenFiles } from './environment.ts';

const problem = (input: object): string | undefined => Environment.safeParse(input).error?.issues[0]?.message;

test('a secret is a file that only its user reads, a config one that all do', () =>
  expect(givenFiles({ secrets: ['db'], configs: ['web.conf'] })).toEqual([
    { kind: 'secret', name: 'db', target: '/run/secrets/db', uid: undefined, gid: undefined, mode: '0400' },
    { kind: 'config', name: 'web.conf', target: '/run/configs/web.conf', uid: undefined, gid: undefined, mode: '0444' },
  ]));

test('where it is, whose it is and who reads it can be said', () =>
  expect(givenFiles({ secrets: ['db:/etc/db,uid=33,gid=34,mode=440', 'db:other'] })).toMatchObject([
    { target: '/etc/db', uid: 33, gid: 34, mode: '0440' },
    { target: '/run/secrets/other' },
  ]));

test.each([
  ['../etc/passwd', 'is no name of a secret'],
  ['', 'is no name of a secret'],
  ['a b', 'is no name of a secret'],
  ['db:../../etc/passwd', 'it begins with / and is of letters, digits and'],
  ['db:/etc/../proc/x', 'it begins with / and is of letters, digits and'],
  ['db:/etc/x y', 'it begins with / and is of letters, digits and'],
  ['db:/etc/x\ny', 'it begins with / and is of letters, digits and'],
  ['db:/proc/sys/x', 'no file can be put at'],
  ['db:/run/volt/enter', 'no file can be put at'],
  ['db:/etc/hosts', 'no file can be put at'],
  ['db:/etc/x:ro', 'must look like NAME or NAME:/path'],
  ['db,mode=999', "'mode' is three or four octal digits"],
  ['db,mode=4755', "'mode' is three or four octal digits"],
  ['db,uid=70000', "'uid' is a number below 65536"],
  ['db,uid=root', "'uid' is a number below 65536"],
  ['db,uid=1,uid=2', "'uid' is there twice"],
  ['db,env=X', "'env=X' is none of uid=, gid=, mode="],
])('the secret %j is refused', (text, message) => expect(problem({ secrets: [text] })).toContain(message));

test('devices have names, or paths', () =>
  expect(givenDevices({ devices: ['fuse', '/dev/sda:r', '/dev/ttyUSB0:/dev/modem:rw'] })).toEqual([
    { source: '/dev/fuse', target: '/dev/fuse', access: 'rw' },
    { source: '/dev/sda', target: '/dev/sda', access: 'r' },
    { source: '/dev/ttyUSB0', target: '/dev/modem', access: 'rw' },
  ]));

test.each([
  ['flux', "'flux' is no device: it is a path below /dev, or dri, fuse"],
  ['/etc/shadow', "'/etc/shadow' is not below /dev"],
  ['/dev/../etc/shadow', 'must be a path below /dev'],
  ['/dev/sda:/etc/x', "'/etc/x' is not below /dev"],
  ['/dev/sda:rwx', "ends with ':r', ':rw' or neither; not ':rwx'"],
])('the device %j is refused', (text, message) => expect(problem({ devices: [text] })).toContain(message));

test('hosts have addresses of either kind, or that of the node', () =>
  expect(addedHosts({ addHosts: ['db:10.0.0.9', 'six:fd00::1', 'node:host-gateway', 'b.example.org:[::1]'] })).toEqual([
    { name: 'db', address: '10.0.0.9' },
    { name: 'six', address: 'fd00::1' },
    { name: 'node', address: 'host-gateway' },
    { name: 'b.example.org', address: '::1' },
  ]));

test.each(['db', 'db:', ':1.2.3.4', 'db:1.2.3', 'd b:1.2.3.4', 'db:1.2.3.4\nevil:6.6.6.6'])(
  'the host %j is refused',
  (text) => expect(problem({ addHosts: [text] })).toBeDefined(),
);

test.each([
  { hostname: 'a b' },
  { hostname: '-a' },
  { hostname: 'a'.repeat(65) },
  { user: 'a b' },
  { user: 'a:b:c' },
  { workdir: 'srv' },
  { dns: ['example.org'] },
  { dns: ['1.1.1.1\nsearch evil'] },
  { dnsSearch: ['exa mple'] },
])('%j is refused', (input) => expect(problem(input)).toBeDefined());

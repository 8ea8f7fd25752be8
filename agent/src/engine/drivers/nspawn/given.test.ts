import { expect, test } from 'vitest';
import type { ContainerSpecInput } from '@volt/shared/model';
import { config, fakeHost, nspawnOn, paths, spec } from '../../testing.ts';
import { deviceLines, givenArguments, givenPlaces, renderGiven } from './given.ts';
import { renderHosts, renderResolv } from './hosts.ts';

const of = (given: Partial<ContainerSpecInput>, rest: object = {}) =>
  config('web', { spec: spec('web', given), ...rest });

test('the script is told what to copy, and whose it is on the node', () => {
  const given = { secrets: ['db', 'db:/etc/db,uid=7,mode=0440'], configs: ['web'], devices: ['fuse'] };
  expect(renderGiven(of(given, { user: '33:34:4' }))).toBe(
    'secret db 655393 655394 0400\n' +
      'secret db 655367 655394 0440\n' +
      'config web 655393 655394 0444\n' +
      'device /dev/fuse 655360 655360 -\n',
  );
  expect(renderGiven(of({ ...given, without: ['user-namespace'] }))).toContain('secret db 0 0 0400\n');
  expect(renderGiven(of({}))).toBe('');
});

test('each is mounted at its place, and only devices can be written to', () =>
  expect(givenArguments(of({ secrets: ['db:/etc/db'], devices: ['/dev/fuse:/dev/f'] }), paths)).toEqual([
    '--bind-ro=/run/volt/containers/web/given/0:/etc/db:norbind',
    '--bind=/run/volt/containers/web/given/1:/dev/f:norbind',
  ]));

test('places that are not in memory are made in a root that cannot be written to', () =>
  expect(givenPlaces(of({ secrets: ['a', 'b:/etc/b', 'c:/tmp/c'] }))).toEqual(['/etc/b']));

test('a container’s group lets only what it was given be used', () => {
  const lines = deviceLines(of({ devices: ['fuse', '/dev/sda:r'] }));
  expect(lines).toBe(
    'DevicePolicy=closed\nDeviceAllow=/dev/net/tun rwm\nDeviceAllow=/dev/fuse rwm\nDeviceAllow=/dev/sda rm\n',
  );
  expect(deviceLines(of({ without: ['devices'] }))).toBe('');
});

test('it knows itself, others that were named, and its node', () =>
  expect(renderHosts(of({ hostname: 'shop.example.org', addHosts: ['db:10.0.0.9', 'node:host-gateway'] }))).toBe(
    '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' +
      '10.0.0.2 shop.example.org shop web\n10.0.0.9 db\n10.0.0.1 node\n',
  ));

test('who it asks for names is its node’s matter unless it was said', () => {
  expect(renderResolv(of({}))).toBeUndefined();
  expect(renderResolv(of({ dns: ['9.9.9.9'], dnsSearch: ['a.org', 'b.org'] }))).toBe(
    'search a.org b.org\nnameserver 9.9.9.9\n',
  );
  expect(renderResolv(of({ dnsSearch: ['a.org'] }))).toBe('search a.org\n');
});

test('another address is in its hosts at once', async () => {
  const host = await fakeHost();
  const driver = nspawnOn(host);
  const before = of({});
  await driver.install(before, '/lower');
  await driver.install({ ...before, network: { ...before.network, address: '10.7.0.9' } }, '/lower');
  expect(await host.files.read(`${paths.containers}/web/hosts`)).toContain('10.7.0.9 web\n');
});

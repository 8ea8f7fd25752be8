import { expect, test } from 'vitest';
import { chooseMirrors, proxyFromShell } from './apt-sources.ts';
import { baseName, mmdebstrapCommand } from './base-image.ts';
import { missingFrom } from './host.ts';

const complete = 'ca-certificates debian-archive-keyring iproute2 mmdebstrap systemd-container util-linux'.split(' ');

test('nothing is missing when all is installed', () => {
  expect(missingFrom(complete.map((name) => `${name} installed`).join('\n'), complete)).toEqual([]);
});

test('unknown, removed and half-installed packages are missing', () => {
  const lines = complete.slice(2).map((name) => `${name} installed`);
  expect(missingFrom(['ca-certificates config-files', ...lines].join('\n'), complete)).toEqual([
    'ca-certificates',
    'debian-archive-keyring',
  ]);
  expect(missingFrom('', complete)).toEqual(complete);
});

test('the mirrors are the host’s own', () => {
  const found = chooseMirrors(
    ['https://deb.nodesource.com/node_20.x/', 'http://mirror/debian-security/', 'http://mirror/debian/'],
    undefined,
  );
  expect(found).toEqual({ debian: 'http://mirror/debian', security: 'http://mirror/debian-security' });
});

test('a host without Debian sources gets the public mirrors', () => {
  expect(chooseMirrors(['file:/srv/debian/', ''], undefined)).toEqual({
    debian: 'http://deb.debian.org/debian',
    security: 'http://deb.debian.org/debian-security',
  });
});

test('apt’s proxy is found, its absence too', () => {
  expect(proxyFromShell("proxy='http://proxy:3128/'\n")).toBe('http://proxy:3128/');
  expect(proxyFromShell('')).toBeUndefined();
  expect(proxyFromShell("proxy='DIRECT'\n")).toBeUndefined();
});

test('the base image has its inputs in its name', () => expect(baseName()).toMatch(/^base-[0-9a-f]{16}$/));

test('the base image comes from the given mirrors, security included', () => {
  const argv = mmdebstrapCommand('/target', { debian: 'http://m/debian', security: 'http://m/sec' }, ['dbus']);
  expect(argv.slice(-4)).toEqual([
    '/target',
    'deb http://m/debian trixie main',
    'deb http://m/debian trixie-updates main',
    'deb http://m/sec trixie-security main',
  ]);
});

import { expect, test } from 'vitest';
import type { Mount } from '@volt/shared/model';
import { config, paths } from '../../testing.ts';
import { mountArguments, mountNeeds, placeArguments } from './mounts.ts';
import { renderUnit } from './unit.ts';

const mounts: Mount[] = [
  { type: 'volume', source: 'data', target: '/data', readOnly: false },
  { type: 'bind', source: '/etc/a b%.conf', target: '/etc/a.conf', readOnly: true, isFile: true },
  { type: 'tmpfs', target: '/tmp', mode: '1777' },
  { type: 'tmpfs', target: '/small', mode: '700', sizeBytes: 4096 },
];

const web = config('web', { mounts });
const withSpec = (change: object) => ({ ...web, spec: { ...web.spec, ...change } });

test('files show the numbers of users inside', () =>
  expect(mountArguments(web, paths)).toEqual([
    '--bind=/var/lib/volt/volumes/data/data:/data:norbind,idmap',
    '--bind-ro=/etc/a b%.conf:/etc/a.conf:rbind,idmap',
    '--tmpfs=/tmp:size=10%,mode=1777,nosuid,nodev',
    '--tmpfs=/small:size=4096,mode=700,nosuid,nodev',
  ]));

test('without users of its own, there is nothing to show in another way', () =>
  expect(mountArguments(withSpec({ without: ['user-namespace'] }), paths).slice(0, 2)).toEqual([
    '--bind=/var/lib/volt/volumes/data/data:/data:norbind',
    '--bind-ro=/etc/a b%.conf:/etc/a.conf:rbind',
  ]));

test('at boot the unit waits for the file systems that its mounts are on', () => {
  expect(mountNeeds(web, paths)).toEqual(['/var/lib/volt/volumes/data/data', '/etc/a b%.conf']);
  expect(renderUnit(web, '/lower', paths, { resolvConf: 'replace-host' })).toContain(
    'RequiresMountsFor=/var/lib/volt/containers /var/lib/volt/volumes/data/data "/etc/a b%%.conf"\n',
  );
});

test('in a root that cannot be written to, places are made before it is so', () => {
  expect(placeArguments(web, paths)).toEqual([]);
  const words = placeArguments(withSpec({ readOnly: true }), paths);
  expect(words.slice(0, 4)).toEqual([
    '/usr/local/lib/volt/inside/enter',
    '--places',
    '/var/lib/volt/containers/web/rootfs',
    '655360',
  ]);
  expect(words.join(' ')).toContain('folder /data file /etc/a.conf folder /tmp folder /small ');
  expect(words.at(-1)).toBe('--');
});

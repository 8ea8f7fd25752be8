import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WorkloadSpec } from './cluster.ts';
import { askedMounts, Mount, Storage, volumeTargets } from './volume.ts';

const read = (storage: Partial<Storage>) => askedMounts(Storage.parse(storage));

test.each([
  ['data:/var/lib/db', { type: 'volume', source: 'data', target: '/var/lib/db', readOnly: false }],
  ['data:/var/lib/db/:ro', { type: 'volume', source: 'data', target: '/var/lib/db', readOnly: true }],
  ['data:/d:rw', { type: 'volume', source: 'data', target: '/d', readOnly: false }],
  ['/srv/www:/www:ro', { type: 'bind', source: '/srv/www', target: '/www', readOnly: true }],
  ['/d', { type: 'volume', target: '/d', readOnly: false }],
])('the volume %s', (text, mount) => expect(read({ volumes: [text] })).toEqual([mount]));

test.each([
  ['source=data,target=/d', { type: 'volume', source: 'data', target: '/d', readOnly: false }],
  ['type=volume,target=/d,readonly', { type: 'volume', target: '/d', readOnly: true }],
  ['type=bind,src=/a b,dst=/c,ro=true', { type: 'bind', source: '/a b', target: '/c', readOnly: true }],
  ['type=tmpfs,target=/t,size=64M,mode=700', { type: 'tmpfs', target: '/t', sizeBytes: 67_108_864, mode: '700' }],
])('the mount %s', (text, mount) => expect(read({ mounts: [text] })).toEqual([mount]));

test.each([
  ['/t', { type: 'tmpfs', target: '/t', mode: '1777' }],
  ['/t:size=1G,mode=0755', { type: 'tmpfs', target: '/t', sizeBytes: 1_073_741_824, mode: '0755' }],
])('the folder in memory %s', (text, mount) => expect(read({ tmpfs: [text] })).toEqual([mount]));

test('all come in the order of their paths, so that what is within another comes after it', () =>
  expect(read({ volumes: ['a:/x/y', 'b:/x'], tmpfs: ['/a'] }).map(({ target }) => target)).toEqual([
    '/a',
    '/x',
    '/x/y',
  ]));

test.each([
  ['volumes', 'data', 'begins with /'],
  ['volumes', 'data:d', 'begins with /'],
  ['volumes', './data:/d', 'a folder of the node begins with /'],
  ['volumes', 'Data:/d', "no volume's name"],
  ['volumes', 'data:/d:rw:x', 'must look like'],
  ['volumes', 'data:/d:z', "':ro'"],
  ['volumes', 'data:/', 'begins with /'],
  ['volumes', 'data:/a/../b', "'..'"],
  ['volumes', 'data:/a/./b', "'..'"],
  ['volumes', 'data:/a\nb', "'..'"],
  ['volumes', 'data:/a"b', 'quotes'],
  ['volumes', '/:/host', "'/' is all of the node"],
  ['volumes', 'data:/proc', "nothing can be put at '/proc'"],
  ['volumes', 'data:/sys/kernel', 'nothing can be put'],
  ['volumes', 'data:/run/volt/enter', 'nothing can be put'],
  ['volumes', 'data:/dev', 'nothing can be put'],
  ['mounts', 'type=disk,target=/d', "'type' is volume, bind or tmpfs"],
  ['mounts', 'type=bind,target=/d', "'source' is missing"],
  ['mounts', 'source=data', "'target' is missing"],
  ['mounts', 'source=data,target=/d,size=1G', "'size' is nothing that a volume has"],
  ['mounts', 'source=data,source=other,target=/d', 'twice'],
  ['mounts', 'source=data,target=/d,readonly=maybe', 'true or false'],
  ['mounts', 'type=tmpfs,target=/d,readonly', "'readonly' is nothing that a tmpfs has"],
  ['tmpfs', '/t:size=0', 'an amount'],
  ['tmpfs', '/t:mode=9', 'octal'],
  ['tmpfs', '/t:uid=1', "'uid' is nothing that it has"],
])('%s %j is refused', (kind, text, why) => {
  const parsed = Storage.safeParse({ [kind]: [text] });
  expect(parsed.error?.issues[0]?.message).toContain(why);
});

test('whatever is written, a mount has no characters that would end a word of nspawn', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.constantFrom('a', '/a', ''), fc.string({ unit: 'binary' }))
      .map(([source, path]) => `${source}:/${path}`),
  );
  fc.assert(
    fc.property(text, (volume) => {
      const parsed = Storage.safeParse({ volumes: [volume] });
      if (!parsed.success) return;
      const [mount] = askedMounts(parsed.data);
      expect(Mount.safeParse({ source: 'own', ...mount }).success).toBe(true);
      expect(mount?.target).not.toMatch(/[:\\"'\n]|\/\.\.?(?:\/|$)/);
    }),
  );
});

test('a workload of the cluster says it in the same words', () => {
  const volumes = ['data:/data:ro'];
  expect(WorkloadSpec.parse({ name: 'db', image: 'db', volumes })).toMatchObject({ volumes });
  expect(WorkloadSpec.safeParse({ name: 'db', image: 'db', volumes: ['data'] }).success).toBe(false);
});

test('of what an image declares, only paths that can have a volume get one', () =>
  expect(volumeTargets(['/data/', 'data', '/proc/x', '/', '/a/../b', '/ok'])).toEqual(['/data', '/ok']));

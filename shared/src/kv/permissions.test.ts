import { expect, test } from 'vitest';
import { bucketNames, buckets } from './buckets.ts';
import { permissionsFor } from './permissions.ts';

test('a node may say exactly this', () => {
  expect(permissionsFor('node', 'node1').publish).toEqual([
    '$JS.API.STREAM.INFO.KV_assignments',
    '$JS.API.DIRECT.GET.KV_assignments.$KV.assignments.node1.>',
    '$KV.status.node1.>',
    '$JS.API.STREAM.INFO.KV_status',
    '$JS.API.DIRECT.GET.KV_status.$KV.status.node1.>',
    '$KV.nodes.node1',
    '$JS.API.STREAM.INFO.KV_nodes',
    '$JS.API.DIRECT.GET.KV_nodes.$KV.nodes.>',
    '$KV.heartbeats.node1',
    '$JS.API.STREAM.INFO.KV_leases',
    '$JS.API.DIRECT.GET.KV_leases.$KV.leases.>',
    '$JS.API.STREAM.MSG.GET.KV_leases',
    '$JS.API.STREAM.INFO.KV_revoked',
    '$JS.API.DIRECT.GET.KV_revoked.$KV.revoked.>',
  ]);
});

test('a node may hear exactly this', () => {
  expect(permissionsFor('node', 'node1').subscribe).toEqual([
    '_INBOX.node.node1.>',
    'volt.changed.assignments.node1.>',
    'volt.changed.status.node1.>',
    'volt.changed.nodes.>',
    'volt.changed.leases.>',
    'volt.changed.revoked.>',
  ]);
});

test('a node may not make consumers, whose messages the server delivers anywhere', () => {
  expect(permissionsFor('node', 'node1').publish.filter((subject) => subject.includes('CONSUMER'))).toEqual([]);
});

test('no role may use a wildcard where a name of a stream stands', () => {
  for (const role of ['node', 'controller'] as const) {
    for (const subject of permissionsFor(role, 'node1').publish) expect(subject).not.toMatch(/^(\$JS\.API\.)?[>*]/);
  }
});

test('a node may write where nodes are the writers; a controller may forget what any node wrote', () => {
  for (const bucket of bucketNames) {
    const writers = (['node', 'controller'] as const).filter((role) =>
      permissionsFor(role, 'node1').publish.some((subject) => subject.startsWith(`$KV.${bucket}.`)),
    );
    expect(writers).toEqual(buckets[bucket].writer === 'node' ? ['node', 'controller'] : ['controller']);
  }
});

import { expect, test } from 'vitest';
import { FakeKv } from '@volt/shared/kv/testing';
import type { Member } from '@volt/shared/model';
import { membersOnKv, tokensOnKv } from './on-kv.ts';

const member = (node: string, subnet: string): Member => ({
  node,
  address: '192.0.2.1',
  subnet,
  roles: ['agent'],
  key: 'a'.repeat(64),
  joinedAt: '2026-01-01T00:00:00.000Z',
});
const conflict = { code: 'CONFLICT' };

test('a member is recorded with its subnet', async () => {
  const members = membersOnKv(new FakeKv());
  await members.create(member('node1', '10.1.0.0/24'));
  expect(await members.list()).toEqual([member('node1', '10.1.0.0/24')]);
});

test('a subnet is given once', async () => {
  const members = membersOnKv(new FakeKv());
  const both = ['node1', 'node2'].map((node) => members.create(member(node, '10.1.0.0/24')));
  const outcomes = (await Promise.allSettled(both)).map(({ status }) => status).toSorted();
  expect(outcomes).toEqual(['fulfilled', 'rejected']);
  expect(await members.list()).toHaveLength(1);
});

test('a name that is taken gives its subnet back', async () => {
  const members = membersOnKv(new FakeKv());
  await members.create(member('node1', '10.1.0.0/24'));
  await expect(members.create(member('node1', '10.1.1.0/24'))).rejects.toMatchObject(conflict);
  await members.create(member('node2', '10.1.1.0/24'));
});

test('a claim that was left by a broken attempt serves its node, and no other', async () => {
  const kv = new FakeKv();
  await kv.create('subnets', '10-1-0-0-24', { node: 'node1' });
  const members = membersOnKv(kv);
  await expect(members.create(member('node2', '10.1.0.0/24'))).rejects.toMatchObject(conflict);
  await members.create(member('node1', '10.1.0.0/24'));
});

test('a token can be put, read, listed and forgotten', async () => {
  const tokens = tokensOnKv(new FakeKv());
  const token = { secretHash: 'b'.repeat(64), mayBeController: true, expiresAt: '2026-01-01T00:00:00.000Z' };
  await tokens.put('0123456789abcdef', token);
  expect(await tokens.get('0123456789abcdef')).toEqual(token);
  expect(await tokens.list()).toEqual([{ id: '0123456789abcdef', token }]);
  await tokens.delete('0123456789abcdef');
  await tokens.delete('0123456789abcdef');
  expect(await tokens.get('0123456789abcdef')).toBeUndefined();
});

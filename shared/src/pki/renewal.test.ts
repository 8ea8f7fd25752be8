import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  credentialsText,
  dueAt,
  issue,
  lifeOf,
  lifeOfCredentials,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  signUser,
  spreadOf,
  waitMs,
} from './index.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const hour = { from: NOW, until: at(3600) };

test('a certificate lives as long as its signer says, from the moment of the signature', () => {
  const subject = { name: 'node1', roles: ['node'] as const, addresses: [] };
  const authority = makeAuthority('test', NOW);
  const cert = issue(authority, createPublicKey(makeKey()), subject, { now: NOW, seconds: 90 });
  expect(lifeOf(cert)).toEqual({ from: NOW, until: at(90) });
  // What a server shows goes on with the CA's certificate, which is not the one that ends.
  expect(lifeOf(cert + authority.certificate)).toEqual({ from: NOW, until: at(90) });
});

test('so do NATS credentials', async () => {
  const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), NOW);
  const { publicKey, seed } = makeUserKey();
  const before = Math.floor(Date.now() / 1000);
  const now = new Date(before * 1000);
  const jwt = await signUser(nats, { role: 'node', node: 'node1', publicKey }, { now, seconds: 90 });
  const { from, until } = lifeOfCredentials(credentialsText(jwt, seed));
  expect(from.getTime()).toBeGreaterThanOrEqual(now.getTime());
  expect(until).toEqual(new Date((before + 90) * 1000));
  expect(() => lifeOfCredentials('nothing')).toThrow('Not the credentials');
});

test('two thirds of a life are over when it is due, for the last node a twelfth later', () => {
  expect(dueAt(hour, 0)).toEqual(at(2400));
  expect(dueAt(hour, 1)).toEqual(at(2700));
});

test('the spread of a node is always the same, and never leaves its bounds', () => {
  expect(spreadOf('0000aa')).toBe(0);
  expect(spreadOf('ffffaa')).toBe(1);
  expect(spreadOf('8000aa')).toBeCloseTo(0.5, 3);
});

test.each([
  ['long before, the files are looked at now and then', 0, 30_000],
  ['just before, it is waited for', 2390, 10_000],
  ['what is due is tried again in a part of what is left', 3000, 30_000],
  ['the less is left, the sooner', 3400, 10_000],
  ['but not more often than every second, whatever has ended', 4000, 1000],
])('%s', (_what, seconds, expected) => {
  expect(waitMs([hour], 0, at(seconds))).toBe(expected);
});

test('what ends first is waited for', () => {
  const soon = { from: NOW, until: at(30) };
  expect(waitMs([hour, soon], 0, NOW)).toBe(20_000);
});

import { expect, test } from 'vitest';
import { FENCE_SECONDS, NodeLease } from './node-lease.ts';

const FENCE_MS = FENCE_SECONDS * 1000;

test('a node that never renewed has no lease', () => {
  expect(new NodeLease().isFresh(0)).toBe(false);
});

test('a lease counts from before it was asked for', () => {
  const lease = new NodeLease();
  lease.renewed(1000, 1900);
  expect(lease.isFresh(1000 + FENCE_MS - 1)).toBe(true);
  expect(lease.isFresh(1000 + FENCE_MS)).toBe(false);
});

test('what was read before a lease was won back is not covered by it', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  expect(lease.covers(20, 30)).toBe(true);
  const backMs = FENCE_MS + 5000;
  lease.renewed(backMs, backMs + 100);
  expect(lease.covers(20, backMs + 200)).toBe(false);
  expect(lease.covers(backMs + 50, backMs + 200)).toBe(false);
  expect(lease.covers(backMs + 150, backMs + 200)).toBe(true);
});

test('a renewal in time does not begin a new lease', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  lease.renewed(2000, 2010);
  expect(lease.covers(20, 2020)).toBe(true);
});

test('nothing is covered that was never read', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  expect(lease.covers(undefined, 20)).toBe(false);
});

import { expect, test } from 'vitest';
import { FENCE_SECONDS, NodeLease, SETTLE_MS } from './node-lease.ts';

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

test('what was read before a lease was won, or before all servers had settled, is not covered by it', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  const backMs = FENCE_MS + 5000;
  lease.renewed(backMs, backMs + 100);
  const settledMs = backMs + 100 + SETTLE_MS;
  lease.renewed(settledMs - 2000, settledMs - 1900);
  expect(lease.covers(20, settledMs + 10)).toBe(false);
  expect(lease.covers(backMs + 150, settledMs + 10)).toBe(false);
  expect(lease.covers(settledMs - 1, settledMs + 10)).toBe(false);
  expect(lease.covers(settledMs, settledMs + 10)).toBe(true);
});

test('a renewal in time does not begin a new lease', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  for (let atMs = 2000; atMs < SETTLE_MS; atMs += 2000) lease.renewed(atMs, atMs + 10);
  expect(lease.covers(SETTLE_MS + 10, SETTLE_MS + 20)).toBe(true);
});

test('nothing is covered that was never read', () => {
  const lease = new NodeLease();
  lease.renewed(0, 10);
  expect(lease.covers(undefined, 20)).toBe(false);
});

import { expect, test } from 'vitest';
import { aNode } from '@volt/shared/kv/testing';
import { FENCE_MARGIN_MS, Sightings } from './sightings.ts';

const record = aNode('a');

/** Beats of nodes by the second, as in 'a b' then 'b'; '' is a second in which nothing was heard. */
function watch(seconds: readonly string[]): { sightings: Sightings; nowMs: number } {
  const sightings = new Sightings();
  const revisions = new Map<string, number>();
  for (const [second, names] of seconds.entries()) {
    for (const name of names.split(' ').filter(Boolean)) revisions.set(name, second + 1);
    const entries = [...revisions].map(([key, revision]) => ({ key, revision, value: null }));
    sightings.observe(entries, second * 1000);
  }
  return { sightings, nowMs: (seconds.length - 1) * 1000 };
}

const times = (count: number, text: string): string[] => Array.from({ length: count }, () => text);

function check(seconds: readonly string[], state: string): void {
  const { sightings, nowMs } = watch(seconds);
  expect(sightings.state(record, nowMs)).toBe(state);
}

test('a node that is heard is ready', () => check(times(20, 'a b'), 'ready'));
test('a node that is not heard for its lease, while others are, is lost', () =>
  check([...times(10, 'a b'), ...times(9, 'b')], 'lost'));
test('a node that is not heard for less than its lease is ready', () =>
  check([...times(10, 'a b'), ...times(7, 'b')], 'ready'));
test('when nobody is heard, nobody is lost', () => check([...times(10, 'a b'), ...times(30, '')], 'ready'));
test('right after a stall of the cluster nobody is lost yet', () =>
  check([...times(10, 'a b'), ...times(15, ''), ...times(3, 'b')], 'ready'));
test('some time after a stall who is still not heard is lost', () =>
  check([...times(10, 'a b'), ...times(15, ''), ...times(6, 'b')], 'lost'));
test('a node that is heard again is ready', () => check([...times(10, 'a b'), ...times(20, 'b'), 'a b'], 'ready'));
test('a node that was never heard counts from the first look', () => {
  const { sightings, nowMs } = watch(times(20, 'b'));
  expect(sightings.state(record, nowMs)).toBe('ready');
  sightings.observe([{ key: 'b', revision: 99, value: null }], nowMs + 9000);
  sightings.observe([{ key: 'b', revision: 100, value: null }], nowMs + 13_000);
  expect(sightings.state(record, nowMs + 13_000)).toBe('lost');
});
test('exclusive instances of a node are over its own deadline and a margin after it was last heard', () => {
  const { sightings, nowMs } = watch([...times(10, 'a b'), ...times(5, 'b')]);
  expect(sightings.fencedAtMs(record, nowMs)).toBe(9000 + record.fenceSeconds * 1000 + FENCE_MARGIN_MS);
});

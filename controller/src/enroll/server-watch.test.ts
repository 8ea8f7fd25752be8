import { describe, expect, test } from 'vitest';
import { createServerWatch, isOurFault, type Sight } from './server-watch.ts';

const well: Sight = {
  own: ['node1'],
  expected: 3,
  reachable: ['node1', 'node2', 'node3'],
  current: ['node2', 'node1', 'node3'],
};
const behind: Sight = { ...well, current: ['node2', 'node3'] };
const leaderless: Sight = { ...well, current: undefined };
const alone: Sight = { ...leaderless, reachable: ['node1'] };

test.each<[string, Sight, boolean]>([
  ['does its part', well, false],
  ['does not catch up', behind, true],
  ['has no leader and could elect one', leaderless, true],
  ['is cut off from the others', alone, false],
  ['is one of two, cut off', { ...alone, expected: 2 }, false],
  [
    'is deaf beside its witness, with no other in the cluster',
    { own: ['node1', 'node1.witness'], expected: 2, reachable: ['node1'], current: undefined },
    true,
  ],
  ['does its part while its witness does not', { ...well, own: ['node1', 'node1.witness'], expected: 4 }, true],
])('a server that %s', (_, sight, expected) => {
  expect(isOurFault(sight)).toBe(expected);
});

describe('a server is started again', () => {
  const seconds = (count: number) => count * 1000;

  test('after longer than an election takes, and not at once again', () => {
    const watch = createServerWatch(0);
    const restarts = [0, 10, 15, 16, 30, 45, 60].filter((at) => watch.look(behind, seconds(at)) !== undefined);
    expect(restarts).toEqual([15, 45]);
  });

  test('less and less often while it does not help, but always again', () => {
    const watch = createServerWatch(0);
    const restarts: number[] = [];
    for (let at = 0; at < 4 * 3600; at += 5) if (watch.look(behind, seconds(at)) !== undefined) restarts.push(at);
    const gaps = restarts.slice(1).map((at, index) => at - restarts[index]!);
    expect(gaps.slice(0, 4)).toEqual([30, 60, 120, 240]);
    expect(new Set(gaps.slice(6))).toEqual(new Set([600]));
  });

  test('only when it was broken all that time', () => {
    const watch = createServerWatch(0);
    watch.look(behind, 0);
    watch.look(well, seconds(10));
    expect(watch.look(behind, seconds(20))).toBeUndefined();
    expect(watch.look(behind, seconds(34))).toBeUndefined();
    expect(watch.look(behind, seconds(35))).toBe('node1');
  });

  test('one after the other when there is no telling which it is, and then more slowly', () => {
    const watch = createServerWatch(0);
    const two = { ...leaderless, own: ['node1', 'node1.witness'], expected: 2, reachable: ['node1', 'node1.witness'] };
    const names = [0, 15, 30, 45, 60, 90].map((at) => watch.look(two, seconds(at)));
    expect(names).toEqual([undefined, 'node1', 'node1.witness', undefined, 'node1', 'node1.witness']);
  });

  test('by one controller after the other', () => {
    const [first, second] = [createServerWatch(0), createServerWatch(1)];
    for (const watch of [first, second]) watch.look(leaderless, 0);
    expect(first.look(leaderless, seconds(15))).toBe('node1');
    expect(second.look(leaderless, seconds(15))).toBeUndefined();
    expect(second.look(leaderless, seconds(20))).toBe('node1');
  });

  test('the one that is behind when there is', () => {
    const watch = createServerWatch(0);
    const own = ['node1', 'node1.witness'];
    const sight = { own, expected: 3, reachable: [...own, 'node2'], current: ['node1', 'node2'] };
    watch.look(sight, 0);
    expect(watch.look(sight, seconds(15))).toBe('node1.witness');
  });
});

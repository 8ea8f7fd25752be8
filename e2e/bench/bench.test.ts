import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Contender } from './bench.ts';
import { sampleInTurn } from './in-turn.ts';
import { renderResults } from './render.ts';
import { isReached, summarize, type Result, type Series } from './result.ts';
import { median, p95 } from './statistics.ts';

const facts = { bench: 'start', machine: 'a machine' };

const series = (name: string, role: Contender['role'], ...samples: number[]): Series => ({
  contender: { name, role },
  samples,
});

function resultOf(all: Series[], described: Partial<Parameters<typeof summarize>[0]> = {}): Result {
  return summarize({ work: 'start', unit: 'ms', ...described }, all, facts);
}

describe('statistics', () => {
  test('the median of an even number lies between the two in the middle', () => expect(median([4, 1, 3, 2])).toBe(2.5));
  test('the median does not mind one that is far off', () => expect(median([10, 11, 9000])).toBe(11));
  test('of twenty-one the p95 is the second highest', () => {
    const samples = Array.from({ length: 21 }, (_, index) => index);
    expect(p95(samples)).toBe(19);
  });
  test('nothing has no median', () => expect(median([])).toBeNaN());
  test('no statistic is outside of its samples, or minds their order', () => {
    const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, (values) => {
        for (const statistic of [median, p95]) {
          expect(statistic(values)).toBeGreaterThanOrEqual(Math.min(...values));
          expect(statistic(values)).toBeLessThanOrEqual(Math.max(...values));
          expect(statistic(values.toReversed())).toBe(statistic(values));
        }
        expect(median(values)).toBeLessThanOrEqual(p95(values));
      }),
    );
  });
});

describe('a result', () => {
  const three = [series('volt', 'ours', 120), series('slow', 'peer', 200), series('fast', 'peer', 100)];

  test('is compared to the peer that is fastest', () => {
    expect(resultOf(three)).toMatchObject({ ours: 120, best: 'fast', ratio: 1.2, peers: { slow: 200, fast: 100 } });
  });
  test('is compared to the highest where more is better', () => {
    expect(resultOf(three, { higherIsBetter: true })).toMatchObject({
      best: 'slow',
      ratio: 0.6,
      higherIsBetter: true,
    });
  });
  test('has no ratio without peers, and references are no peers', () => {
    const alone = resultOf([series('volt', 'ours', 5), series('limit', 'reference', 1)]);
    expect(alone).toMatchObject({ best: null, ratio: null, peers: {}, references: { limit: 1 } });
  });
  test('counts the runs of ours, and tells medians and the high end', () => {
    const result = resultOf([series('volt', 'ours', 1, 2, 9)]);
    expect(result).toMatchObject({ ours: 2, runs: 3, p95: { volt: 8.3 } });
  });
  test('is held against a target made of the medians', () => {
    const target = (medians: Readonly<Record<string, number>>) => 1.3 * (medians['fast'] ?? Number.NaN);
    const result = resultOf(three, { target });
    expect(result.target).toBe(130);
    expect(isReached(result)).toBe(true);
    expect(isReached({ ...result, ours: 131 })).toBe(false);
    expect(isReached({ ...result, ours: 131, higherIsBetter: true })).toBe(true);
  });
  test('has no target when what the target needs is missing', () => {
    const result = resultOf(three, { target: (medians) => medians['absent'] ?? Number.NaN });
    expect(result.target).toBeNull();
    expect(isReached(result)).toBeUndefined();
  });
});

describe('samples', () => {
  const taken: string[] = [];
  const contender = (name: string): Contender => ({
    name,
    role: 'peer',
    sample: async () => taken.push(name),
  });

  test('are taken in turn, and those of the warm-up do not count', async () => {
    const [a, b] = await sampleInTurn([contender('a'), contender('b')], { warmUps: 1, runs: 2 });
    expect(taken.join('')).toBe('ababab');
    expect(a?.samples).toEqual([3, 5]);
    expect(b?.samples).toEqual([4, 6]);
  });
});

test('people read names to the left, numbers to the right, and whether the target is reached', () => {
  const result = resultOf(
    [series('volt run', 'ours', 120), series('podman run', 'peer', 200), series('volt --version', 'reference', 30)],
    { target: () => 100 },
  );
  expect(renderResults([result])).toBe(`start: start
1 run each, in turn; a machine
                MEDIAN ms  P95 ms  OURS TO IT
volt run            120.0   120.0        1.00
podman run          200.0   200.0        0.60  best peer
volt --version       30.0    30.0              reference
target: at most 100.0 ms; MISSED
`);
});

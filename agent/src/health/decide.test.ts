import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEALTH_OUTPUT_CHARS_MAX, HEALTH_RESULTS_MAX, type HealthCheck } from '@volt/shared/model';
import { begin, decide, delayMs, HealthRecord, shown } from './decide.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const RUN = new Date(START).toISOString();

const check = (change: Partial<HealthCheck> = {}): HealthCheck => ({
  probe: { kind: 'tcp', port: 80 },
  intervalMs: 10_000,
  timeoutMs: 1000,
  retries: 3,
  startPeriodMs: 0,
  restart: false,
  ...change,
});

const good = { isHealthy: true, tookMs: 1, output: '' };
const bad = { isHealthy: false, tookMs: 1, output: 'no' };
const at = (seconds: number) => new Date(START + seconds * 1000);

interface Step {
  readonly isHealthy: boolean;
  readonly seconds: number;
}

/** What becomes of it, a record after each step; each step is so long after the one before. */
function story(steps: readonly Step[], how: HealthCheck): { record: HealthRecord; atMs: number; isHealthy: boolean }[] {
  let record = begin(RUN);
  let atMs = START;
  return steps.map(({ isHealthy, seconds }) => {
    atMs += seconds * 1000;
    record = decide(record, how, isHealthy ? good : bad, new Date(atMs));
    return { record, atMs, isHealthy };
  });
}

const steps = fc.array(fc.record({ isHealthy: fc.boolean(), seconds: fc.integer({ min: 0, max: 40 }) }), {
  maxLength: 40,
});
const checks = fc.record({
  retries: fc.integer({ min: 1, max: 5 }),
  intervalMs: fc.integer({ min: 100, max: 60_000 }),
  startPeriodMs: fc.integer({ min: 0, max: 60_000 }),
});

describe('whatever the results are', () => {
  const all = (holds: (told: ReturnType<typeof story>, how: HealthCheck) => void) =>
    fc.assert(fc.property(steps, checks, (some, change) => holds(story(some, check(change)), check(change))));

  test('a check that succeeds makes it healthy, and forgets failures', () => {
    all((told) => {
      for (const { record, isHealthy } of told)
        if (isHealthy) expect(record).toMatchObject({ state: 'healthy', failures: 0 });
    });
  });

  test('it is unhealthy only after so many failures in a row', () => {
    all((told, { retries }) => {
      told.forEach(({ record }, index) => {
        if (record.state !== 'unhealthy') return;
        const row = told.slice(Math.max(0, index - retries + 1), index + 1);
        expect(row.length).toBe(retries);
        expect(row.every(({ isHealthy }) => !isHealthy)).toBe(true);
      });
    });
  });

  test('one that was healthy is unhealthy at the last of so many failures in a row, and not later', () => {
    all((told, { retries }) => {
      let row = Infinity;
      for (const { record, isHealthy } of told) {
        row = isHealthy ? 0 : row + 1;
        if (row !== Infinity && row >= retries) expect(record.state).toBe('unhealthy');
      }
    });
  });

  test('one that never worked is not unhealthy before its time to start and so many intervals are over', () => {
    all((told, { retries, intervalMs, startPeriodMs }) => {
      for (const { record, atMs, isHealthy } of told) {
        if (isHealthy) return;
        if (record.state === 'unhealthy') {
          expect(atMs - START).toBeGreaterThanOrEqual(startPeriodMs + retries * intervalMs);
        }
      }
    });
  });

  test('it never starts again, nor is told to have become what it was', () => {
    all((told) => {
      let before = begin(RUN);
      for (const { record, atMs } of told) {
        if (before.state !== 'starting') expect(record.state).not.toBe('starting');
        expect(record.since).toBe(record.state === before.state ? before.since : new Date(atMs).toISOString());
        before = record;
      }
    });
  });

  test('only the last results are kept, oldest first, and can be read back', () => {
    all((told) => {
      told.forEach(({ record }, index) => {
        expect(record.results.length).toBe(Math.min(index + 1, HEALTH_RESULTS_MAX));
        expect(record.results.at(-1)?.at).toBe(new Date(told[index]!.atMs).toISOString());
        expect(HealthRecord.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
      });
    });
  });

  test('the next check is neither put off for more than an interval and its spread, nor due in the past', () => {
    const times = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(steps, checks, times, fc.double({ min: 0, max: 1, noNaN: true }), (some, change, later, chance) => {
        const how = check(change);
        const record = story(some, how).at(-1)?.record ?? begin(RUN);
        const ms = delayMs(record, how, new Date(START + later), chance);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(how.intervalMs * 1.1);
      }),
    );
  });
});

test('of what a check said the end is kept', () => {
  const long = { ...bad, output: `${'x'.repeat(HEALTH_OUTPUT_CHARS_MAX)}end` };
  const { output } = decide(begin(RUN), check(), long, at(1)).results[0]!;
  expect(output.length).toBe(HEALTH_OUTPUT_CHARS_MAX);
  expect(output.endsWith('xend')).toBe(true);
});

test('one that starts is looked at soon, and then less often', () => {
  const seconds = [0, 1, 4, 20, 300].map((age) => delayMs(begin(RUN), check({ intervalMs: 30_000 }), at(age), 0.5));
  expect(seconds).toEqual([250, 250, 1000, 5000, 5000]);
  expect(delayMs(begin(RUN), check({ intervalMs: 100 }), at(0), 0.5)).toBe(100);
});

test('two that began together drift apart', () => {
  const healthy = decide(begin(RUN), check(), good, at(1));
  expect(delayMs(healthy, check(), at(1), 0)).toBe(9000);
  expect(delayMs(healthy, check(), at(1), 1)).toBe(11_000);
  expect(delayMs(healthy, check(), at(7), 0.5)).toBe(4000);
});

test('what was not checked when it should have been is not known', () => {
  const healthy = decide(begin(RUN), check(), good, at(1));
  expect(shown(healthy, check(), at(12))).toMatchObject({ state: 'healthy', checkedAt: at(1).toISOString() });
  expect(shown(healthy, check(), at(60))).toMatchObject({ state: 'unknown', checkedAt: at(1).toISOString() });
  expect(shown(begin(RUN), check(), at(1))).toMatchObject({ state: 'starting', checkedAt: null });
});

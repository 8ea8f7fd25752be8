import type { ContainerUsage } from '@volt/shared/model';
import { expect, test } from 'vitest';
import { ratesOf } from './container-stats.ts';

const usage = (name: string, second: number, cpuUsec: number | null): ContainerUsage => ({
  name,
  at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  cpuUsec,
  memoryBytes: 1024,
  memoryLimitBytes: null,
  processes: 2,
  readBytes: 0,
  writtenBytes: 0,
  receivedBytes: 0,
  sentBytes: 0,
  oomKills: 0,
});

const percents = (before: ContainerUsage[], after: ContainerUsage[]) =>
  ratesOf(before, after).map(({ name, cpuPercent }) => `${name} ${cpuPercent}`);

test('a processor that was busy all the time is a hundred per cent', () =>
  expect(percents([usage('web', 0, 500_000)], [usage('web', 2, 2_500_000)])).toEqual(['web 100']));
test('a fraction is shown to a tenth', () =>
  expect(percents([usage('web', 0, 0)], [usage('web', 1, 12_345)])).toEqual(['web 1.2']));
test('one that was started again has used nothing', () =>
  expect(percents([usage('web', 0, 900)], [usage('web', 1, 100)])).toEqual(['web 0']));
test('one that came in between waits for the next time', () =>
  expect(percents([], [usage('web', 1, 100)])).toEqual([]));
test('where nobody counts there is no speed', () =>
  expect(percents([usage('web', 0, null)], [usage('web', 1, null)])).toEqual(['web null']));

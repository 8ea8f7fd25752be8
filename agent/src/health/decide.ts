/**
 * What a result makes of a container's health, and when to look again. Pure.
 *
 *   starting ──a check succeeds──► healthy ──`retries` failures in a row──► unhealthy
 *      │                              ▲                                         │
 *      │                              └──────────── a check succeeds ───────────┘
 *      └──`retries` failures that count──► unhealthy
 *
 * One that starts is looked at more often than asked, to be told early that it
 * works; but no failure counts earlier than it would by the interval alone.
 */
import {
  HEALTH_OUTPUT_CHARS_MAX,
  HEALTH_RESULTS_MAX,
  HealthResult,
  type ContainerHealth,
  type HealthCheck,
} from '@volt/shared/model';
import * as z from 'zod';

/** All that is remembered of one run of a container. */
export const HealthRecord = z.object({
  run: z.iso.datetime().describe('When this run began, which tells it from others.'),
  state: z.enum(['starting', 'healthy', 'unhealthy']),
  since: z.iso.datetime(),
  failures: z.int().min(0),
  results: z.array(HealthResult).max(HEALTH_RESULTS_MAX),
});
export type HealthRecord = z.output<typeof HealthRecord>;

/** What came of one check. */
export interface Finding {
  readonly isHealthy: boolean;
  readonly tookMs: number;
  readonly output: string;
}

const STARTING_EVERY_MS_MIN = 250;
const STARTING_EVERY_MS_MAX = 5000;
/** By how much two containers that began together drift apart, as a part of the interval. */
const JITTER = 0.1;
/** A check waits for others, and a machine may be busy: later than this, nobody checks. */
const LATE_MS = 15_000;

export const begin = (run: string): HealthRecord => ({
  run,
  state: 'starting',
  since: run,
  failures: 0,
  results: [],
});

export function decide(record: HealthRecord, check: HealthCheck, finding: Finding, now: Date): HealthRecord {
  const at = now.toISOString();
  const output = finding.output.slice(-HEALTH_OUTPUT_CHARS_MAX);
  const results = [...record.results, { ...finding, output, at }].slice(-HEALTH_RESULTS_MAX);
  const failures = finding.isHealthy ? 0 : record.failures + (counts(record, check, now) ? 1 : 0);
  const state = finding.isHealthy ? 'healthy' : failures >= check.retries ? 'unhealthy' : record.state;
  return { ...record, state, since: state === record.state ? record.since : at, failures, results };
}

/** Of one that starts, the n-th failure counts once n intervals have passed since its time to start. */
function counts({ state, run, failures }: HealthRecord, check: HealthCheck, now: Date): boolean {
  if (state !== 'starting') return true;
  const dueMs = Date.parse(run) + check.startPeriodMs + (failures + 1) * check.intervalMs;
  return now.getTime() >= dueMs;
}

/** How long to wait for the next check. `chance` is between 0 and 1. */
export function delayMs(record: HealthRecord, check: HealthCheck, now: Date, chance: number): number {
  const nowMs = now.getTime();
  if (record.state === 'starting') {
    const ageMs = Math.max(0, nowMs - Date.parse(record.run));
    const soonMs = Math.min(STARTING_EVERY_MS_MAX, Math.max(STARTING_EVERY_MS_MIN, ageMs / 4));
    return Math.min(check.intervalMs, soonMs);
  }
  const lastMs = Date.parse(record.results.at(-1)?.at ?? record.run);
  const spacedMs = check.intervalMs * (1 - JITTER + 2 * JITTER * chance);
  // A clock that was set back must not put the next check off for longer than the interval.
  return Math.min(spacedMs, Math.max(0, lastMs + spacedMs - nowMs));
}

/** What to tell. What was not checked when it should have been is not known, whatever it was before. */
export function shown(record: HealthRecord, check: HealthCheck, now: Date): ContainerHealth {
  const { state, since, failures, results } = record;
  const checkedAt = results.at(-1)?.at ?? null;
  const quietMs = now.getTime() - Date.parse(checkedAt ?? record.run);
  const isLate = quietMs > 2 * (check.intervalMs + check.timeoutMs) + LATE_MS;
  return { state: isLate ? 'unknown' : state, since, checkedAt, failures, results };
}

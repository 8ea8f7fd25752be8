/** Counting what passed, so that nothing that did not run can look green. */
import { stripVTControlCharacters } from 'node:util';
import { tailOf } from './failures.ts';
import type { Failure, RunReport } from './report.ts';

export interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skipped: number;
  readonly seconds: number;
}

/** How a program ended: a check, or a run of tests. */
export interface Ended {
  readonly name: string;
  readonly exitCode: number;
  readonly seconds: number;
  readonly output: string;
}

/** A check that is not a test run counts as one test. */
export function tallyCheck(ended: Ended): Tally {
  const { name, exitCode, seconds } = ended;
  const isGreen = exitCode === 0;
  return { name, passed: isGreen ? 1 : 0, failures: isGreen ? [] : [whole(ended)], skipped: 0, seconds };
}

/**
 * Counts a run of vitest. One failure more than its tests': a run that ended
 * badly although each test was fine, that left no report, or in which no test
 * ran. The last is allowed when somebody asked for few.
 */
export function tallyRun(ended: Ended, report: RunReport | undefined, options: { isPartial: boolean }): Tally {
  const { name, exitCode, seconds } = ended;
  if (report === undefined) {
    const isEmpty = options.isPartial && exitCode === 0;
    return { name, passed: 0, failures: isEmpty ? [] : [whole(ended)], skipped: 0, seconds };
  }
  const { passed, skipped, failures } = report;
  const ranNothing = passed + failures.length === 0 && !options.isPartial;
  const isBad = exitCode !== 0 || ranNothing;
  return { name, passed, failures: failures.length === 0 && isBad ? [whole(ended)] : failures, skipped, seconds };
}

/** All of it is the failure; what it said last is all that is known. */
function whole({ name, exitCode, output }: Ended): Failure {
  return { title: `${name} ended with ${exitCode}`, text: tailOf(stripVTControlCharacters(output)) };
}

/** `123 passed, 0 failed`: the last line, which machines read. */
export function totalLine(tallies: readonly Tally[]): string {
  const passed = tallies.reduce((total, tally) => total + tally.passed, 0);
  return `${passed} passed, ${tallies.flatMap(({ failures }) => failures).length} failed`;
}

/** Green means that something ran and nothing failed. */
export function isGreen(tallies: readonly Tally[]): boolean {
  return tallies.some(({ passed }) => passed > 0) && tallies.every(({ failures }) => failures.length === 0);
}

export function table(tallies: readonly Tally[]): string {
  const row = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(9))).join('');
  const rows = tallies.map(({ name, passed, failures, skipped, seconds }) =>
    row([name, String(passed), String(failures.length), String(skipped), `${seconds.toFixed(1)} s`]),
  );
  return [row(['', 'passed', 'failed', 'skipped', 'time']), ...rows].join('\n');
}

/** Counting what passed, so that nothing that did not run can look green. */

export interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** The parts of vitest's JSON report that count. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** A check that is not a test run counts as one test. */
export function tallyCheck(name: string, exitCode: number, seconds: number): Tally {
  const isGreen = exitCode === 0;
  return { name, passed: isGreen ? 1 : 0, failed: isGreen ? 0 : 1, skipped: 0, seconds };
}

/**
 * Counts a run of vitest. A file that could not be loaded is one failure, as
 * is a run that ended badly although each test was fine, that left no report,
 * or in which no test ran. The last is allowed when somebody asked for few.
 */
export function tallyRun(
  run: { name: string; exitCode: number; seconds: number; isPartial: boolean },
  reportText: string | undefined,
): Tally {
  const { name, exitCode, seconds, isPartial } = run;
  const report = parse(reportText);
  if (report === undefined) {
    const isEmpty = isPartial && exitCode === 0;
    return { name, passed: 0, failed: isEmpty ? 0 : 1, skipped: 0, seconds };
  }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const counted = report.numFailedTests + unloaded.length;
  const ranNothing = report.numPassedTests + report.numFailedTests === 0;
  const isBad = exitCode !== 0 || (ranNothing && !isPartial);
  return {
    name,
    passed: report.numPassedTests,
    failed: counted === 0 && isBad ? 1 : counted,
    skipped: report.numPendingTests,
    seconds,
  };
}

function parse(text: string | undefined): Report | undefined {
  try {
    return JSON.parse(text ?? '') as Report;
  } catch {
    return undefined;
  }
}

/** `123 passed, 0 failed`: the last line, which machines read. */
export function totalLine(tallies: readonly Tally[]): string {
  const sum = (field: 'passed' | 'failed') => tallies.reduce((total, tally) => total + tally[field], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed`;
}

/** Green means that something ran and nothing failed. */
export function isGreen(tallies: readonly Tally[]): boolean {
  return tallies.some(({ passed }) => passed > 0) && tallies.every(({ failed }) => failed === 0);
}

export function table(tallies: readonly Tally[]): string {
  const row = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(9))).join('');
  const rows = tallies.map(({ name, passed, failed, skipped, seconds }) =>
    row([name, String(passed), String(failed), String(skipped), `${seconds.toFixed(1)} s`]),
  );
  return [row(['', 'passed', 'failed', 'skipped', 'time']), ...rows].join('\n');
}

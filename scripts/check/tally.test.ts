import { expect, test } from 'vitest';
import { isGreen, tallyCheck, tallyRun, totalLine } from './tally.ts';

const report = (passed: number, failed: number, unloadedFiles = 0) =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 2,
    testResults: [
      { status: 'passed', assertionResults: [{}] },
      ...Array.from({ length: unloadedFiles }, () => ({ status: 'failed', assertionResults: [] })),
    ],
  });

/** A run that ended so and left this report: what is counted. */
function check(run: { exitCode?: number; isPartial?: boolean; text: string | undefined }, expected: string): void {
  const { exitCode = 0, isPartial = false, text } = run;
  expect(totalLine([tallyRun({ name: 'unit', exitCode, seconds: 1, isPartial }, text)])).toBe(expected);
}

test('all passed', () => check({ text: report(5, 0) }, '5 passed, 0 failed'));
test('some failed', () => check({ exitCode: 1, text: report(5, 2) }, '5 passed, 2 failed'));
test('a file that did not load', () => check({ exitCode: 1, text: report(5, 0, 1) }, '5 passed, 1 failed'));
test('a bad end with good tests', () => check({ exitCode: 1, text: report(5, 0) }, '5 passed, 1 failed'));
test('no report', () => check({ text: undefined }, '0 passed, 1 failed'));
test('a torn report', () => check({ text: '{"num' }, '0 passed, 1 failed'));
test('nothing ran', () => check({ text: report(0, 0) }, '0 passed, 1 failed'));
test('nothing ran, and few were asked for', () => check({ isPartial: true, text: report(0, 0) }, '0 passed, 0 failed'));
test('a red check is one failure', () => expect(totalLine([tallyCheck('lint', 2, 1)])).toBe('0 passed, 1 failed'));

test('nothing at all is not green', () => expect(isGreen([])).toBe(false));
test('only passes are green', () => expect(isGreen([tallyCheck('a', 0, 1)])).toBe(true));
test('one failure is red', () => expect(isGreen([tallyCheck('a', 0, 1), tallyCheck('b', 1, 1)])).toBe(false));

import { expect, test } from 'vitest';
import { readReport } from './report.ts';
import { isGreen, tallyCheck, tallyRun, totalLine } from './tally.ts';

const one = { ancestorTitles: [], title: 'one', failureMessages: ['wrong'] };
const passing = { name: '/a.test.ts', status: 'passed', message: '', assertionResults: [{ ...one, status: 'passed' }] };
const failing = { name: '/b.test.ts', status: 'failed', message: '', assertionResults: [{ ...one, status: 'failed' }] };
const hookless = { ...failing, assertionResults: [{ ...one, status: 'skipped', failureMessages: [] }] };
const unloaded = { ...failing, assertionResults: [] };

const report = (passed: number, ...testResults: object[]) =>
  JSON.stringify({ numPassedTests: passed, numPendingTests: 2, testResults: [passing, ...testResults] });

/** A run that ended so and left this report: what is counted. */
function check(run: { exitCode?: number; isPartial?: boolean; text: string | undefined }, expected: string): void {
  const { exitCode = 0, isPartial = false, text } = run;
  const ended = { name: 'unit', exitCode, seconds: 1, output: 'said\n' };
  expect(totalLine([tallyRun(ended, readReport(text, '/'), { isPartial })])).toBe(expected);
}

test('all passed', () => check({ text: report(5) }, '5 passed, 0 failed'));
test('some failed', () => check({ exitCode: 1, text: report(5, failing, failing) }, '5 passed, 2 failed'));
test('a file that did not load', () => check({ exitCode: 1, text: report(5, unloaded) }, '5 passed, 1 failed'));
test('a file whose hook failed, beside a failed test', () =>
  check({ exitCode: 1, text: report(5, hookless, failing) }, '5 passed, 2 failed'));
test('a bad end with good tests', () => check({ exitCode: 1, text: report(5) }, '5 passed, 1 failed'));
test('no report', () => check({ text: undefined }, '0 passed, 1 failed'));
test('a torn report', () => check({ text: '{"num' }, '0 passed, 1 failed'));
test('nothing ran', () => check({ text: report(0) }, '0 passed, 1 failed'));
test('nothing ran, and few were asked for', () => check({ isPartial: true, text: report(0) }, '0 passed, 0 failed'));

const lint = { name: 'lint', exitCode: 2, seconds: 1, output: '\u001B[31mthis line\u001B[39m\n' };
test('a red check is one failure', () => expect(totalLine([tallyCheck(lint)])).toBe('0 passed, 1 failed'));
test('a red check is told with what it said', () =>
  expect(tallyCheck(lint).failures).toEqual([{ title: 'lint ended with 2', text: 'this line' }]));

const row = { name: 'a', skipped: 0, seconds: 1 };
const green = { ...row, passed: 1, failures: [] };
test('nothing at all is not green', () => expect(isGreen([])).toBe(false));
test('only passes are green', () => expect(isGreen([green])).toBe(true));
test('one failure is red', () => expect(isGreen([green, tallyCheck(lint)])).toBe(false));

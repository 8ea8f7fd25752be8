import { expect, test } from 'vitest';
import { describeFailures, FAILURE_LINES_MAX, tailOf } from './failures.ts';
import { readReport } from './report.ts';

const long = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
const many = (count: number) => Array.from({ length: count }, (_, index) => ({ title: `test ${index}`, text: long }));
const lines = (text: string) => text.split('\n');

test('a failed test is told with its file, its whole name and its error, without colours and foreign frames', () => {
  const message =
    'Error: \u001B[31mred\u001B[39m\n    at /volt/a.ts:1:2\n    at run (file:///volt/node_modules/x.js:1:1)';
  const results = [{ ancestorTitles: ['a room'], title: 'opens', status: 'failed', failureMessages: [message] }];
  const file = { name: '/volt/shared/a.test.ts', status: 'failed', message: '', assertionResults: results };
  const text = JSON.stringify({ numPassedTests: 0, numPendingTests: 0, testResults: [file] });
  expect(describeFailures(readReport(text, '/volt')!.failures)).toBe(
    '✗ shared/a.test.ts > a room > opens\n    Error: red\n        at /volt/a.ts:1:2',
  );
});

test('one failure gets fifteen lines of its error', () => {
  expect(lines(describeFailures(many(1)))).toHaveLength(16);
});

test.each([1, 3, 10, 11, 12, 500])('%i failures fit in the end of the log', (count) => {
  const told = lines(describeFailures(many(count)));
  expect(told.length).toBeLessThanOrEqual(FAILURE_LINES_MAX);
  const shown = told.filter((line) => line.startsWith('✗')).length;
  expect(told.at(-1)).toBe(shown < count ? `… and ${count - shown} more` : told.at(-1));
  expect(shown).toBeGreaterThanOrEqual(Math.min(count, 11));
});

test('no failures say nothing', () => expect(describeFailures([])).toBe(''));
test('of a long output the end is kept', () => expect(lines(tailOf(long)).at(-1)).toBe('line 99'));

import { expect, test } from 'vitest';
import { healthcheckDocument, healthcheckOf } from './healthcheck.ts';

const check = (raw: unknown) => {
  const left: string[] = [];
  return { found: healthcheckOf(raw, left), left };
};

test('a check as an argument list, with its times', () => {
  const raw = {
    Test: ['CMD', 'curl', '-f', 'http://localhost'],
    Interval: 5e9,
    Timeout: 1e9,
    StartPeriod: 2e9,
    Retries: 4,
  };
  const found = { command: raw.Test.slice(1), intervalMs: 5000, timeoutMs: 1000, startPeriodMs: 2000, retries: 4 };
  expect(check(raw)).toEqual({ found, left: [] });
});

test('a line for a shell is given to one; times of 0 are as for everybody', () => {
  const raw = { Test: ['CMD-SHELL', 'pg_isready || exit 1'], Interval: 0, Retries: 0 };
  expect(check(raw)).toEqual({ found: { command: ['/bin/sh', '-c', 'pg_isready || exit 1'] }, left: [] });
});

test.each([[undefined], [null], [{}], [{ Test: [] }], [{ Test: ['NONE'] }]])('%j is none', (raw) => {
  expect(check(raw)).toEqual({ found: undefined, left: [] });
});

test.each([
  ['CMD curl'],
  [{ Test: 'CMD' }],
  [{ Test: ['CMD'] }],
  [{ Test: ['SHOUT', 'x'] }],
  [{ Test: ['CMD', 'x'], Interval: -1 }],
  [{ Test: ['CMD', 'x'], Interval: 1e18 }],
])('%j is left out, and said so', (raw) => {
  expect(check(raw)).toEqual({ found: undefined, left: [expect.stringContaining('left out')] });
});

test('what is given back is taken over as it was', () => {
  const found = { command: ['a', 'b'], intervalMs: 1500, timeoutMs: 10, startPeriodMs: 7, retries: 2 };
  expect(check(JSON.parse(JSON.stringify(healthcheckDocument(found)))).found).toEqual(found);
  expect(check(JSON.parse(JSON.stringify(healthcheckDocument({ command: ['a'] })))).found).toEqual({ command: ['a'] });
});

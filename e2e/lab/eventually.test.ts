import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';

test('the first useful answer is the result', async () => {
  const answers = [undefined, false as const, 'yes'];
  expect(await eventually(() => answers.shift(), { intervalMs: 1 })).toBe('yes');
});

test('a check that throws is asked again', async () => {
  let calls = 0;
  const check = () => {
    calls += 1;
    if (calls < 3) throw new Error('not yet');
    return calls;
  };
  expect(await eventually(check, { intervalMs: 1 })).toBe(3);
});

test('past the deadline the last thing wrong is told', async () => {
  const check = () => {
    throw new Error('no leader');
  };
  await expect(eventually(check, { timeoutMs: 5, intervalMs: 1, what: 'a leader' })).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: 'Not within 5 ms: a leader (no leader)',
  });
});

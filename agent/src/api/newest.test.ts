import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newest } from './newest.ts';

test('while a reader is busy only the newest event waits for it', async () => {
  const seen: number[] = [];
  const waiting: (() => void)[] = [];
  const tell = newest((event: number) => {
    seen.push(event);
    return new Promise((resolve) => waiting.push(resolve));
  });
  for (let event = 0; event < 100; event++) tell(event);
  expect(seen).toEqual([0]);
  waiting.pop()!();
  await setImmediate();
  expect(seen).toEqual([0, 99]);
});

test('a reader that has gone harms nobody', async () => {
  const seen: number[] = [];
  const tell = newest(async (event: number) => {
    seen.push(event);
    throw new Error('gone');
  });
  tell(1);
  await setImmediate();
  tell(2);
  expect(seen).toEqual([1, 2]);
});

import { expect, test } from 'vitest';
import { LogPlace } from './logs-place.ts';

const line = (second: number, text: string) => ({ at: new Date(second * 1000).toISOString(), name: 'web', text });
const journal = [line(1, 'a'), line(2, 'b'), line(2, 'b'), line(2, 'c'), line(3, 'd')];

test.each([0, 1, 2, 3, 4, 5])('after %i lines the rest is read, whole and once', async (cutAt) => {
  const printed: string[] = [];
  const place = new LogPlace({ follow: true, tail: 100 }, async ({ text }) => void printed.push(text));
  const before = place.rest();
  for (const each of journal.slice(0, cutAt)) await before.print(each);
  expect(place.isBegun).toBe(cutAt > 0);

  const { wanted, print } = place.rest();
  const again = journal.filter(({ at }) => wanted.since === undefined || at >= wanted.since);
  for (const each of again) await print(each);
  expect(printed).toEqual(['a', 'b', 'b', 'c', 'd']);
});

test('a second cut within the same moment', async () => {
  const printed: string[] = [];
  const place = new LogPlace({ follow: true }, async ({ text }) => void printed.push(text));
  await place.rest().print(line(2, 'a'));
  const second = place.rest();
  for (const each of [line(2, 'a'), line(2, 'b')]) await second.print(each);
  const third = place.rest();
  for (const each of [line(2, 'a'), line(2, 'b'), line(2, 'c')]) await third.print(each);
  expect(printed).toEqual(['a', 'b', 'c']);
});

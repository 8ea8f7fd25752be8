import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InOrder, untilTheEnd, whileFollowing } from './logs-in-order.ts';

const line = (name: string, ms: number) => ({ at: new Date(ms).toISOString(), name, text: String(ms) });

/** Brings all, each when the one before is printed, then ends. */
async function read(order: InOrder, lines: readonly { name: string; ms: number }[]): Promise<void> {
  const inlet = order.open();
  await Promise.resolve();
  for (const { name, ms } of lines) await inlet.bring(line(name, ms));
  inlet.end();
}

test('whatever readers bring is printed whole, and by time', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(times, { minLength: 1, maxLength: 5 }), async (all) => {
      const printed: number[] = [];
      const order = new InOrder(async ({ text }) => void printed.push(Number(text)), untilTheEnd);
      const sorted = (some: readonly number[]) => some.toSorted((a, b) => a - b);
      await Promise.all(
        all.map((some, at) =>
          read(
            order,
            sorted(some).map((ms) => ({ name: `r${at}`, ms })),
          ),
        ),
      );
      expect(printed).toEqual(sorted(all.flat()));
    }),
    { numRuns: 50 },
  );
});

test('a printer that is slow holds the readers back', async () => {
  const release = Promise.withResolvers<void>();
  const printed: string[] = [];
  const order = new InOrder(async ({ text }) => {
    printed.push(text);
    await release.promise;
  }, untilTheEnd);
  const inlet = order.open();
  let isNext = false;
  const first = inlet.bring(line('web', 1)).then(() => (isNext = true));
  await new Promise((resolve) => void setImmediate(resolve));
  expect({ printed, isNext }).toEqual({ printed: ['1'], isNext: false });
  release.resolve();
  await first;
});

test('a line that cannot be printed fails who brought it, and no other', async () => {
  const order = new InOrder(async ({ name }) => {
    if (name === 'bad') throw new Error('no');
  }, untilTheEnd);
  const [bad, good] = [order.open(), order.open()];
  const bringing = [bad.bring(line('bad', 1)), good.bring(line('good', 2))];
  await expect(bringing[0]).rejects.toThrow('no');
  bad.end();
  await bringing[1];
});

describe('while following', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const settle = () => new Promise<void>((resolve) => void setImmediate(() => setImmediate(() => resolve())));

  test('one that has nothing to say is not waited for for ever', async () => {
    const printed: string[] = [];
    const order = new InOrder(async ({ text }) => void printed.push(text), whileFollowing);
    const [silent, talks] = [order.open(), order.open()];
    const first = talks.bring(line('talks', 1));
    await settle();
    expect(printed).toEqual([]);
    vi.advanceTimersByTime(whileFollowing.firstMs);
    await first;
    await talks.bring(line('talks', 2));
    expect(printed).toEqual(['1', '2']);
    silent.end();
  });

  test('one that has just said something is', async () => {
    const printed: string[] = [];
    const order = new InOrder(async ({ text }) => void printed.push(text), whileFollowing);
    const [one, other] = [order.open(), order.open()];
    const early = [one.bring(line('one', 1)), other.bring(line('other', 4))];
    await settle();
    expect(printed).toEqual(['1']);
    const late = one.bring(line('one', 3));
    await late;
    expect(printed).toEqual(['1', '3']);
    one.end();
    await Promise.all(early);
    expect(printed).toEqual(['1', '3', '4']);
  });
});

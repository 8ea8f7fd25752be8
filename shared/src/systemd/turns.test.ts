import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

/** Work that ends when told to. */
function steps(turns: Turns, count: number) {
  const begun: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<number>());
  const all = ends.map(({ promise }, index) =>
    turns.run(() => {
      begun.push(index);
      return promise;
    }),
  );
  return { begun, ends, all };
}

test('so many at once, the rest in order, each as one ends', async () => {
  const { begun, ends, all } = steps(new Turns(2, 9), 4);
  expect(begun).toEqual([0, 1]);
  ends[1]!.resolve(1);
  await all[1];
  expect(begun).toEqual([0, 1, 2]);
  ends[0]!.resolve(0);
  ends[2]!.resolve(2);
  ends[3]!.resolve(3);
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

test('work that fails gives its turn on, and all turns are free in the end', async () => {
  const turns = new Turns(1, 9);
  const failing = turns.run(() => Promise.reject(new Error('no')));
  const after = turns.run(async () => 'yes');
  await expect(failing).rejects.toThrow('no');
  expect(await after).toBe('yes');
  expect(await turns.run(async () => 'again')).toBe('again');
});

test('a queue that is full takes no more', async () => {
  const turns = new Turns(1, 1);
  const { begun, ends, all } = steps(turns, 2);
  await expect(turns.run(async () => 'third')).rejects.toMatchObject({ code: 'RESOURCE' });
  ends[0]!.resolve(0);
  ends[1]!.resolve(1);
  await Promise.all(all);
  expect(begun).toEqual([0, 1]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LANE_WAITING_MAX, Lanes, OPERATIONS_MAX } from './lanes.ts';

const { signal } = new AbortController();

test('one at a time for a name, in order, and never too many at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 30 }),
      async (scheduler, names) => {
        const lanes = new Lanes();
        const begun: Record<string, number[]> = {};
        const active = new Set<string>();
        const operations = names.map((name, index) =>
          lanes.run(name, signal, async () => {
            expect(active.has(name)).toBe(false);
            active.add(name);
            expect(active.size).toBeLessThanOrEqual(OPERATIONS_MAX);
            (begun[name] ??= []).push(index);
            await scheduler.schedule(Promise.resolve(), name);
            active.delete(name);
          }),
        );
        await scheduler.waitFor(Promise.all(operations));
        for (const order of Object.values(begun)) expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(Object.values(begun).flat()).toHaveLength(names.length);
      },
    ),
  );
});

test('one that fails does not hold up the next', async () => {
  const lanes = new Lanes();
  const failing = lanes.run('a', signal, () => Promise.reject(new Error('no')));
  const next = lanes.run('a', signal, async () => 'yes');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('yes');
});

test('different names run side by side up to the limit', async () => {
  const lanes = new Lanes();
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const all = Array.from({ length: OPERATIONS_MAX + 3 }, (_, n) =>
    lanes.run(`n${n}`, signal, async () => {
      begun += 1;
      await gate.promise;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toBe(OPERATIONS_MAX);
  gate.resolve();
  await Promise.all(all);
  expect(begun).toBe(OPERATIONS_MAX + 3);
});

test('one that gives up while it waits keeps the order of the others', async () => {
  const lanes = new Lanes();
  const gate = Promise.withResolvers<void>();
  const stop = new AbortController();
  const order: string[] = [];
  const first = lanes.run('a', signal, () => gate.promise);
  const second = lanes.run('a', stop.signal, async () => void order.push('second'));
  const third = lanes.run('a', signal, async () => void order.push('third'));
  stop.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  expect(order).toEqual([]);
  gate.resolve();
  await Promise.all([first, third]);
  expect(order).toEqual(['third']);
});

test('too many for one name are refused', async () => {
  const lanes = new Lanes();
  const gate = Promise.withResolvers<void>();
  const waiting = Array.from({ length: LANE_WAITING_MAX + 1 }, () => lanes.run('a', signal, () => gate.promise));
  await expect(lanes.run('a', signal, () => gate.promise)).rejects.toMatchObject({ code: 'RESOURCE' });
  gate.resolve();
  await Promise.all(waiting);
});

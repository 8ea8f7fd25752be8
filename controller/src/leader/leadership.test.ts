import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import type { Clock } from '@volt/shared/kv';
import { FakeKv, FakeKvStore, SimClock } from '@volt/shared/kv/testing';
import { Leadership, LEASE_MS } from './leadership.ts';

/** A controller whose clock began at another moment and runs at the same speed. */
class Candidate {
  readonly kv: FakeKv;
  readonly leadership: Leadership;
  #isPaused = false;

  constructor(store: FakeKvStore, clock: SimClock, name: string) {
    this.kv = new FakeKv(store);
    const offset = name.charCodeAt(0) * 1_000_000;
    const own: Clock = {
      monotonicMs: () => clock.monotonicMs() + offset,
      now: () => clock.now(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    this.leadership = new Leadership({ kv: this.kv, clock: own, node: name, session: `${name}-session` });
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
  }

  async tend(): Promise<void> {
    if (this.#isPaused) return;
    await this.leadership.tend().catch((thrown) => {
      if (!(thrown instanceof VoltError)) throw thrown;
    });
  }
}

function three() {
  const store = new FakeKvStore();
  const clock = new SimClock();
  const all = ['a', 'b', 'c'].map((name) => new Candidate(store, clock, name));
  const leaders = () => all.filter(({ leadership }) => leadership.token() !== undefined);
  const seconds = async (count: number) => {
    for (let second = 0; second < count; second += 1) {
      for (const candidate of all) await candidate.tend();
      await clock.advance(1000);
    }
  };
  return { store, all, leaders, seconds, a: all[0]!, b: all[1]!, c: all[2]! };
}

test('one of three leads at once, and stays', async () => {
  const { a, leaders, seconds } = three();
  await seconds(1);
  expect(leaders()).toEqual([a]);
  const token = a.leadership.token();
  await seconds(60);
  expect(leaders()).toEqual([a]);
  expect(a.leadership.token()).toBe(token);
});

test('a leader that is cut off stops deciding before another begins', async () => {
  const { a, leaders, seconds } = three();
  await seconds(3);
  const token = a.leadership.token()!;
  a.kv.isAway = true;
  let gap = 0;
  for (let second = 0; second < 12; second += 1) {
    await seconds(1);
    expect(leaders().length).toBeLessThanOrEqual(1);
    if (leaders().length === 0) gap += 1;
  }
  expect(gap).toBeGreaterThan(0);
  expect(leaders()).toHaveLength(1);
  expect(leaders()[0]).not.toBe(a);
  expect(leaders()[0]!.leadership.token()).toBeGreaterThan(token);
  expect(LEASE_MS).toBeLessThan(12_000);
});

test('a lease that is given back is taken at once', async () => {
  const { a, b, leaders, seconds } = three();
  await seconds(2);
  await a.leadership.release();
  a.isPaused = true;
  await seconds(1);
  expect(leaders()).toEqual([b]);
});

test('a leader in doubt decides again only under a higher token', async () => {
  const { a, seconds } = three();
  await seconds(2);
  const token = a.leadership.token()!;
  a.leadership.doubt();
  expect(a.leadership.token()).toBeUndefined();
  await seconds(1);
  expect(a.leadership.token()).toBeGreaterThan(token);
});

test('a renewal whose answer is lost does not count', async () => {
  const { a, seconds } = three();
  await seconds(2);
  a.kv.losesAnswers = true;
  await seconds(7);
  expect(a.leadership.token()).toBeUndefined();
});

test('tokens grow even when the cluster lost its memory of them', async () => {
  const first = three();
  await first.seconds(2);
  const before = first.leaders()[0]!.leadership.token()!;
  const second = three();
  await second.seconds(2);
  expect(second.leaders()[0]!.leadership.token()).toBeGreaterThanOrEqual(before);
});

test('whatever is cut off, paused or lost, at most one decides, and tokens grow', async () => {
  const trouble = fc.record({
    who: fc.constantFrom(0, 1, 2),
    what: fc.constantFrom('away', 'answers', 'pause', 'doubt', 'release', 'quorum'),
    isOn: fc.boolean(),
    seconds: fc.integer({ min: 0, max: 10 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(trouble, { maxLength: 15 }), async (troubles) => {
      const { store, all, leaders, seconds } = three();
      let highest = 0;
      for (const { who, what, isOn, seconds: count } of troubles) {
        const { kv, leadership } = all[who]!;
        if (what === 'away') kv.isAway = isOn;
        if (what === 'answers') kv.losesAnswers = isOn;
        if (what === 'quorum') store.isAway = isOn;
        if (what === 'pause') all[who]!.isPaused = isOn;
        if (what === 'doubt') leadership.doubt();
        if (what === 'release') await leadership.release().catch(() => {});
        for (let second = 0; second < count; second += 1) {
          await seconds(1);
          const deciding = leaders();
          expect(deciding.length).toBeLessThanOrEqual(1);
          const token = deciding[0]?.leadership.token() ?? highest;
          expect(token).toBeGreaterThanOrEqual(highest);
          highest = token;
        }
      }
    }),
    { numRuns: 100 },
  );
});

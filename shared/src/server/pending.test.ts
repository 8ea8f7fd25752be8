import { expect, test } from 'vitest';
import { PendingCalls } from './pending.ts';

const call = { method: 'a.b', caller: 'karl', since: 0 };

test('a call is pending until it settles, well or not', async () => {
  const pending = new PendingCalls();
  const { promise, reject } = Promise.withResolvers<void>();
  const tracked = pending.track(call, () => promise);
  expect(pending.list()).toEqual([call]);
  reject(new Error('no'));
  await expect(tracked).rejects.toThrow('no');
  expect(pending.list()).toEqual([]);
});

test('draining waits for the last call, and no longer than it was told to', async () => {
  const pending = new PendingCalls();
  await pending.drain(60_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  const tracked = pending.track(call, () => promise);
  const drained = pending.drain(60_000);
  resolve();
  await Promise.all([tracked, drained]);
  const stuck = pending.track(call, () => new Promise(() => {}));
  await pending.drain(1);
  expect(pending.list()).toEqual([call]);
  void stuck;
});

test('draining does not wait for those who only watch', async () => {
  const pending = new PendingCalls();
  void pending.track({ ...call, isWatch: true }, () => new Promise(() => {}));
  const { promise, resolve } = Promise.withResolvers<void>();
  const tracked = pending.track(call, () => promise);
  const drained = pending.drain(60_000);
  resolve();
  await Promise.all([tracked, drained]);
  await pending.drain(60_000);
});

import { expect, test } from 'vitest';
import { Doorbell } from '../host/index.ts';
import { eitherRings } from './bells.ts';

function world() {
  const bell = new Doorbell();
  const listeners = new Set<() => void>();
  const over = new AbortController();
  const rings = eitherRings(
    (signal) => bell.wakes(signal),
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    over.signal,
  );
  return { bell, listeners, over, rings };
}

test('either of both rings', async () => {
  const { bell, listeners, rings } = world();
  const first = rings.next();
  bell.ring();
  expect((await first).done).toBe(false);
  const second = rings.next();
  for (const listener of listeners) listener();
  expect((await second).done).toBe(false);
  await rings.return(undefined);
  expect(listeners.size).toBe(0);
});

test('it ends with the signal, and listens no longer', async () => {
  const { over, listeners, rings } = world();
  const next = rings.next();
  over.abort();
  expect((await next).done).toBe(true);
  expect(listeners.size).toBe(0);
});

test('it fails as its source does', async () => {
  // It fails where it is first asked.
  const failing = async function* (): AsyncGenerator<void> {
    await Promise.reject(new Error('The bus is away'));
    yield;
  };
  const listeners: (() => void)[] = [];
  const rings = eitherRings(
    failing,
    (listener) => {
      listeners.push(listener);
      return () => void listeners.pop();
    },
    new AbortController().signal,
  );
  await expect(rings.next()).rejects.toThrow('The bus is away');
  expect(listeners).toEqual([]);
});

import { expect, test } from 'vitest';
import { Holds } from './holds.ts';
import { tempStore } from './testing.ts';

const digest = 'a'.repeat(64);

test('an object is held from when it is added until the hold ends', () => {
  const holds = new Holds();
  const hold = holds.open();
  expect(holds.isHeld(digest)).toBe(false);
  hold.add(digest);
  expect(holds.isHeld(digest)).toBe(true);
  hold[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(false);
});

test('each hold keeps what it has for itself', () => {
  const holds = new Holds();
  const [one, other] = [holds.open(), holds.open()];
  one.add(digest);
  other.add(digest);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(true);
  other[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(false);
});

test('a work that ends while a collection runs leaves its holds to it', () => {
  const holds = new Holds();
  const hold = holds.open();
  hold.add(digest);
  const [first, second] = [holds.beginCollection(), holds.beginCollection()];
  hold[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(true);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(true);
  second[Symbol.dispose]();
  expect(holds.isHeld(digest)).toBe(false);
});

test('a batch holds what it stages and what it finds, and no longer than it lives', async () => {
  const store = await tempStore();
  const found = await store.objects.put(Buffer.from('found'));
  expect(store.holds.isHeld(found)).toBe(false);
  {
    await using batch = store.objects.ingest();
    await batch.putBytes(Buffer.from('found'));
    const staged = await batch.putBytes(Buffer.from('staged'));
    await batch.commit();
    expect([found, staged].map((one) => store.holds.isHeld(one))).toEqual([true, true]);
  }
  expect(store.holds.isHeld(found)).toBe(false);
});

test('a hold that is given to a batch outlives it', async () => {
  const store = await tempStore();
  using hold = store.holds.open();
  const large = Buffer.alloc(3 * 1024 * 1024);
  let digest: string;
  {
    await using batch = store.objects.ingest({ hold });
    ({ digest } = await batch.putStream(
      (async function* () {
        yield large;
      })(),
    ));
    await batch.commit();
  }
  expect(store.holds.isHeld(digest)).toBe(true);
});

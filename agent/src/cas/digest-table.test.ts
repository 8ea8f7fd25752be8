import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { DigestTable } from './digest-table.ts';

const digestOf = (what: number): string => createHash('sha256').update(String(what)).digest('hex');

test('holds what was added and nothing else, whatever the number', () => {
  const table = new DigestTable();
  const all = Array.from({ length: 20_000 }, (_, index) => digestOf(index));
  const numbers = all.map((_, index) => index);
  expect(all.map((digest) => table.add(digest))).toEqual(numbers);
  expect(all.map((digest) => table.numberOf(digest))).toEqual(numbers);
  expect(table.size).toBe(20_000);
  expect(Array.from({ length: 20_000 }, (_, index) => table.has(digestOf(20_000 + index)))).not.toContain(true);
});

test('a digest that is added again keeps its number', () => {
  const table = new DigestTable();
  table.add(digestOf(1));
  expect(table.add(digestOf(2))).toBe(1);
  expect(table.add(digestOf(1))).toBe(0);
  expect(table.size).toBe(2);
});

test('digests that begin alike are told apart, the one of zeros too', () => {
  const table = new DigestTable();
  const alike = Array.from({ length: 100 }, (_, index) => `${'0'.repeat(29)}${String(index).padStart(3, '0')}`);
  for (const start of alike) table.add(start.padEnd(64, 'f'));
  expect(table.size).toBe(100);
  expect(table.has('0'.repeat(64))).toBe(true);
  expect(table.has('f'.repeat(64))).toBe(false);
});

test('digests of 128 digits are digests too', () => {
  const table = new DigestTable();
  const long = digestOf(1) + digestOf(2);
  table.add(long);
  expect(table.has(long)).toBe(true);
  expect(table.has(digestOf(2) + digestOf(1))).toBe(false);
});

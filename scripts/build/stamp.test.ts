import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isFresh, writeStamp } from './stamp.ts';

let folder: string;
let stamp: string;
let input: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-stamp-'));
  stamp = join(folder, 'stamp.json');
  input = join(folder, 'input.ts');
  writeFileSync(input, 'one');
  writeStamp(stamp, [input], ['node 26']);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('nothing changed', () => expect(isFresh(stamp, ['node 26'])).toBe(true));
test('another fact', () => expect(isFresh(stamp, ['node 27'])).toBe(false));

test('touched, same content', () => {
  utimesSync(input, 1, 1);
  expect(isFresh(stamp, ['node 26'])).toBe(true);
});

test('changed content', () => {
  writeFileSync(input, 'two');
  expect(isFresh(stamp, ['node 26'])).toBe(false);
});

test('removed input', () => {
  rmSync(input);
  expect(isFresh(stamp, ['node 26'])).toBe(false);
});

test('no stamp', () => expect(isFresh(join(folder, 'none'), ['node 26'])).toBe(false));

test('a torn stamp', () => {
  writeFileSync(stamp, '{"digest":');
  expect(isFresh(stamp, ['node 26'])).toBe(false);
});

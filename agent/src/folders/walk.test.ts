import { lstatSync } from 'node:fs';
import { expect, test } from 'vitest';
import { walk } from './walk.ts';

const isMount = lstatSync('/dev/pts').dev !== lstatSync('/dev').dev;

test.runIf(isMount)('what is mounted below is a folder without contents', () => {
  const paths = [...walk('/dev')].map(({ path }) => path);
  expect(paths).toContain('pts');
  expect(paths.filter((path) => path.startsWith('pts/'))).toEqual([]);
});

test('what is not there is nothing', () => expect([...walk('/nonexistent')]).toEqual([]));

import { expect, test } from 'vitest';
import { Filters, passes } from './shapes/filter.ts';

const row = { name: 'web-0', state: 'running', image: 'web:1', node: 'node1', workload: null };
const labels = { team: 'web', tier: '', 'a/b': 'x=y' };

test.each([
  [[], true],
  [['label=team=web'], true],
  [['label=team'], true],
  [['label=tier'], true],
  [['label=a/b=x=y'], true],
  [['label=team=shop'], false],
  [['label=toString'], false],
  [['label=team=web', 'state=running'], true],
  [['label=team=web', 'state=failed'], false],
  [['name=web'], false],
  [['workload=web'], false],
])('%j: %j', (filters, expected) => expect(passes(filters, row, labels)).toBe(expected));

test('what cannot be filtered by is refused', () => {
  expect(Filters.safeParse(['colour=red']).success).toBe(false);
  expect(Filters.safeParse(['label=']).success).toBe(false);
  expect(Filters.parse(undefined)).toEqual([]);
});

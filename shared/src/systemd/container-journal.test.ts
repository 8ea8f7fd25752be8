import { expect, test } from 'vitest';
import { containerJournal } from './container-journal.ts';

const unit = 'volt-container@web.service';
const createdAt = '2026-01-01T00:00:00.000Z';
const id = 'a'.repeat(32);

test('a container is told from earlier ones by its mark', () =>
  expect(containerJournal({ name: 'web', id, createdAt }, { follow: true })).toEqual({
    unit,
    follow: true,
    tail: 1000,
    mark: id,
  }));
test('and one that has none by when it was made', () =>
  expect(containerJournal({ name: 'web', createdAt }, { follow: false, tail: 5 })).toEqual({
    unit,
    follow: false,
    tail: 5,
    sinceMs: Date.parse(createdAt),
  }));
test('a time before it was made does not reach back further', () =>
  expect(containerJournal({ name: 'web', createdAt }, { follow: false, since: '2020-01-01T00:00:00Z' }).sinceMs).toBe(
    Date.parse(createdAt),
  ));
test('earlier ones on request', () =>
  expect(containerJournal({ name: 'web', id, createdAt }, { follow: false, earlier: true })).toEqual({
    unit,
    follow: false,
    tail: 1000,
  }));
test.each([{ since: createdAt }, { until: createdAt }, { grep: 'x' }])('all of a part: %o', (wanted) =>
  expect(containerJournal({ name: 'web', id }, { follow: false, ...wanted }).tail).toBeUndefined(),
);

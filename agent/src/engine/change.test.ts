import { expect, test } from 'vitest';
import { withChange } from './change.ts';
import { spec } from './testing.ts';

const web = spec('web', { labels: { team: 'web', tier: '' }, memory: '64M', restart: 'no' });

test('what is not given stays', () => {
  expect(withChange(web, { restart: 'always' })).toEqual({ ...web, restart: 'always' });
  expect(withChange(web, {})).toEqual(web);
});

test('labels come on top, and an empty one takes its label away', () => {
  expect(withChange(web, { labels: { stage: 'test' } }).labels).toEqual({ team: 'web', tier: '', stage: 'test' });
  expect(withChange(web, { labels: { team: '' } }).labels).toEqual({ tier: '' });
});

test('limits are changed as they are', () =>
  expect(withChange(web, { memory: '1G', cpus: 2 })).toMatchObject({ memory: '1G', cpus: 2, restart: 'no' }));

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { everyRef } from './refs.ts';
import { tempStore, unfinished } from './testing.ts';

const one = '1'.repeat(64);
const two = '2'.repeat(64);

test('a name is set, moved, listed and deleted', async () => {
  const store = await tempStore();
  const refs = store.refs.images;
  await refs.set('web', 'latest', one);
  await refs.set('web', '1.2', one);
  await refs.set('db', 'latest', two);
  await refs.set('web', 'latest', two);
  expect(refs.get('web', 'latest')).toBe(two);
  expect(refs.list()).toEqual([
    { name: 'db', tag: 'latest', digest: two },
    { name: 'web', tag: '1.2', digest: one },
    { name: 'web', tag: 'latest', digest: two },
  ]);
  expect(refs.delete('db', 'latest')).toBe(true);
  expect(refs.delete('db', 'latest')).toBe(false);
  expect(refs.delete('web', 'latest')).toBe(true);
  expect(refs.list()).toEqual([{ name: 'web', tag: '1.2', digest: one }]);
  expect(unfinished(store)).toEqual([]);
});

test('an unknown name is undefined', async () => {
  const { refs } = await tempStore();
  expect(refs.images.get('web', 'latest')).toBeUndefined();
});

test('names survive the next start', async () => {
  const store = await tempStore();
  await store.refs.images.set('web', 'latest', one);
  expect((await tempStore(store.folder)).refs.images.get('web', 'latest')).toBe(one);
});

test.each([
  ['..', 'latest'],
  ['a/b', 'latest'],
  ['', 'latest'],
  ['Web', 'latest'],
  ['.web', 'latest'],
  ['web\n', 'latest'],
  ['a'.repeat(65), 'latest'],
  ['web', '..'],
  ['web', '.hidden'],
  ['web', 'a/b'],
  ['web', ''],
  ['web', 'a'.repeat(129)],
])('the name %j with the tag %j is refused', async (name, tag) => {
  const refs = (await tempStore()).refs.images;
  const refused = expect.objectContaining({ code: 'USAGE' });
  await expect(refs.set(name, tag, one)).rejects.toEqual(refused);
  expect(() => refs.get(name, tag)).toThrow(refused);
  expect(() => refs.delete(name, tag)).toThrow(refused);
});

test('a name that holds no digest says so', async () => {
  const store = await tempStore();
  await store.refs.images.set('web', 'latest', one);
  writeFileSync(join(store.folder, 'cas/refs/images/web/latest'), 'garbage');
  expect(() => store.refs.images.get('web', 'latest')).toThrow(expect.objectContaining({ code: 'DEPENDENCY' }));
});

test('every name is listed with its kind, also of kinds nobody knows, and a damaged one has no digest', async () => {
  const { folder, objects, refs } = await tempStore();
  await refs.images.set('web', 'latest', one);
  await refs.pins.set('kept', 'latest', two);
  mkdirSync(join(folder, 'cas/refs/later/a/b'), { recursive: true });
  writeFileSync(join(folder, 'cas/refs/later/a/b/c'), `${one}\n`);
  writeFileSync(join(folder, 'cas/refs/later/d'), 'nothing');
  expect(everyRef(objects.layout)).toEqual([
    { kind: 'images', name: 'web:latest', digest: one },
    { kind: 'later', name: 'a/b/c', digest: one },
    { kind: 'later', name: 'd', digest: undefined },
    { kind: 'pins', name: 'kept:latest', digest: two },
  ]);
});

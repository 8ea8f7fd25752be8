import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileCache } from './cache.ts';

let folder = '';
let opened: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volt-lab-cache-'));
  opened = [];
});
afterEach(() => rm(folder, { recursive: true }));

/** Serves each address as its own text; `short` claims one byte more than comes. */
const makeCache = (options: { bytesMax?: number; short?: boolean } = {}) =>
  new FileCache({
    folder,
    bytesMax: options.bytesMax,
    open: async (url) => {
      opened.push(url);
      return { body: Readable.from([Buffer.from(url)]), length: url.length + (options.short === true ? 1 : 0) };
    },
  });

test('a file is fetched once, also when many ask at once', async () => {
  const cache = makeCache();
  const paths = await Promise.all([cache.obtain('/a'), cache.obtain('/a'), cache.obtain('/a')]);
  expect(await cache.obtain('/a')).toBe(paths[0]);
  expect(await readFile(paths[0] ?? '', 'utf8')).toBe('/a');
  expect(opened).toEqual(['/a']);
});

test('a file that came short is not kept', async () => {
  await expect(makeCache({ short: true }).obtain('/a')).rejects.toThrow('2 bytes of 3 came');
  expect(await readdir(folder)).toEqual([]);
});

test('the one used longest ago goes first', async () => {
  const cache = makeCache({ bytesMax: 4 });
  const old = await cache.obtain('/a');
  await cache.obtain('/b');
  await utimes(old, new Date(0), new Date(0));
  await cache.obtain('/c');
  await cache.obtain('/b');
  expect(opened).toEqual(['/a', '/b', '/c']);
  expect(await readdir(folder)).toHaveLength(2);
});

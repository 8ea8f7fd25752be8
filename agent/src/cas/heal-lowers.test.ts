import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveObjects } from '../store/index.ts';
import { tempStore } from '../store/testing.ts';
import { Cas } from './cas.ts';
import { flipBit, putImage, signal } from './testing.ts';

test('files of lowers that had the damage get the healed contents, and keep all else', async () => {
  const [here, there] = [await tempStore(undefined, { lowers: 'hardlink' }), await tempStore()];
  const files = { 'etc/one': 'same', 'etc/two': 'same', 'etc/web': 'web' };
  const tree = await putImage(here, 'web', files);
  await putImage(there, 'web', files);
  const rootfs = await here.lowers.materialise(tree);
  const digest = here.objects.hash.of(Buffer.from('same'), 'blake3');
  const facts = (name: string) => {
    const { mode, uid, gid, mtimeMs } = statSync(join(rootfs, name));
    return { mode, uid, gid, mtimeMs };
  };
  const all = ['', 'etc', 'etc/one', 'etc/two', 'etc/web'];
  const before = all.map(facts);
  flipBit(here, digest);
  expect(readFileSync(join(rootfs, 'etc/two'), 'utf8')).toBe('rame');
  const fetch = async (digests: readonly string[]) => serveObjects(there.objects, digests);
  const cas = new Cas({
    ...{ store: here, treesInUse: async () => [], now: () => new Date() },
    peers: async () => [{ name: 'peer', fetch }],
  });
  expect(await cas.repair([], { signal })).toMatchObject({ healed: 1, lowerFiles: 2 });
  expect(readFileSync(join(rootfs, 'etc/one'), 'utf8')).toBe('same');
  expect(readFileSync(join(rootfs, 'etc/two'), 'utf8')).toBe('same');
  expect(lstatSync(join(rootfs, 'etc/one')).ino).toBe(lstatSync(here.objects.pathOf(digest)).ino);
  expect(all.map(facts)).toEqual(before);
});

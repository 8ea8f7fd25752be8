/** The inside of an overlay is no folder to make images of: another overlay would obey what is in it. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempStore, unfinished } from '../store/testing.ts';
import { ingested, sampleFolder } from './testing.ts';

test('a deletion of an overlay is refused', async () => {
  const store = await tempStore();
  const root = sampleFolder();
  execFileSync('mknod', [join(root, 'bin/gone'), 'c', '0', '0']);
  await expect(ingested(store, root)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining("'bin/gone' is a deletion of overlayfs"),
  });
  expect(unfinished(store)).toEqual([]);
});

test.each([
  ['trusted.overlay.opaque', 'bin'],
  ['user.overlay.metacopy', 'copy'],
])('what carries the attribute %s of an overlay is refused', async (name, where) => {
  const store = await tempStore();
  const root = sampleFolder();
  const read = (path: Buffer) =>
    path.toString() === join(fs.realpathSync(root), where) ? { [name]: 'eQ==' } : undefined;
  await expect(ingested(store, root, { xattrs: { read } })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(`'${where}' carries an attribute of overlayfs`),
  });
  expect(unfinished(store)).toEqual([]);
});

test('other attributes and devices come with it', async () => {
  const store = await tempStore();
  const root = sampleFolder();
  const { tree } = await ingested(store, root, { xattrs: { read: () => ({ 'user.overlays': 'eQ==' }) } });
  expect(store.objects.read(tree).toString()).toContain('user.overlays');
});

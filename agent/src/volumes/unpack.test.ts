import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelSpecialFiles } from '../host/index.ts';
import { tempFolder } from '../store/testing.ts';
import { type RawEntry, tarOf } from '../tar/testing.ts';
import { signal } from './testing.ts';
import { unpack } from './unpack.ts';

async function unpacked(...entries: RawEntry[]): Promise<string> {
  const top = tempFolder();
  const folder = join(top, 'a/volume');
  fs.mkdirSync(folder, { recursive: true });
  const before = fs.readdirSync(top, { recursive: true }).toSorted();
  async function* archive() {
    yield tarOf(...entries);
  }
  try {
    await unpack({ archive: archive(), folder, specials: kernelSpecialFiles, signal });
  } finally {
    // Whatever the archive says, nothing is outside.
    const outside = fs.readdirSync(top, { recursive: true }).map(String);
    expect(outside.filter((path) => !path.startsWith('a/volume/')).toSorted()).toEqual(before);
  }
  return folder;
}

describe.runIf(process.getuid?.() === 0)('an archive', () => {
  test.each<[string, RawEntry[]]>([
    ['climbs out by a name', [{ name: '../escape' }]],
    ['climbs out by a name within', [{ name: 'a/../../escape' }]],
    ['has an absolute name', [{ name: '/escape' }]],
    ['climbs out through a link', [{ name: 'l', flag: '2', linkName: '..' }, { name: 'l/escape' }]],
    [
      'climbs out through a link to a link',
      [{ name: 'd', flag: '5' }, { name: 'd/l', flag: '2', linkName: '../..' }, { name: 'd/l/escape' }],
    ],
    [
      'makes a folder through a link',
      [
        { name: 'l', flag: '2', linkName: '..' },
        { name: 'l/x', flag: '5' },
      ],
    ],
    [
      'puts a link in the place of a folder',
      [
        { name: 'd', flag: '5' },
        { name: 'd', flag: '2', linkName: '..' },
      ],
    ],
    [
      'puts a folder in the place of a link',
      [{ name: 'l', flag: '2', linkName: '..' }, { name: 'l', flag: '5' }, { name: 'l/escape' }],
    ],
    ['links to a file outside', [{ name: 'x', flag: '1', linkName: '../../escape' }]],
    [
      'links through a link',
      [
        { name: 'l', flag: '2', linkName: '/etc' },
        { name: 'x', flag: '1', linkName: 'l/passwd' },
      ],
    ],
    ['links to what is not there', [{ name: 'x', flag: '1', linkName: 'y' }]],
    [
      'links to a folder',
      [
        { name: 'd', flag: '5' },
        { name: 'x', flag: '1', linkName: 'd' },
      ],
    ],
    ['has a device', [{ name: 'sda', flag: '4', major: 8, minor: 0 }]],
    ['has a deletion of overlayfs', [{ name: 'gone', flag: '3' }]],
    ['has an attribute of overlays', [{ name: 'x', pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' } }]],
    ['has an attribute of overlays for users', [{ name: 'x', pax: { 'SCHILY.xattr.user.overlay.opaque': 'y' } }]],
    ['is a file', [{ name: '.', contents: 'x' }]],
    ['has a path that is too long', [{ name: 'x', pax: { path: `${'a'.repeat(200)}/`.repeat(20) } }]],
    ['has an owner that is none', [{ name: 'x', pax: { uid: '4294967295' } }]],
    ['has a time that is none', [{ name: 'x', pax: { mtime: 'soon' } }]],
    ['has a zero byte in a name', [{ name: 'x', pax: { path: 'a\0b' } }]],
  ])('that %s is refused', (_, entries) =>
    expect(unpacked(...entries)).rejects.toMatchObject({ code: 'INVALID_CONFIG' }),
  );

  test('with a link that leads out is taken as it is: it leads out for nobody but the container', async () => {
    const folder = await unpacked({ name: 'l', flag: '2', linkName: '/etc/passwd' });
    expect(fs.readlinkSync(join(folder, 'l'))).toBe('/etc/passwd');
  });

  test('that replaces a link by a file writes the file, and not where the link leads', async () => {
    const folder = await unpacked({ name: 'l', flag: '2', linkName: '../../escape' }, { name: 'l', contents: 'x' });
    expect(fs.lstatSync(join(folder, 'l')).isFile()).toBe(true);
  });

  test('keeps owners, modes and times, of folders too, and makes folders that it only implies', async () => {
    const folder = await unpacked(
      { name: 'd/', flag: '5', mode: 0o2750, mtime: 5, pax: { uid: '7', gid: '8' } },
      { name: 'd/e/f', contents: 'x', mode: 0o4711, mtime: 6, pax: { uid: '9' } },
    );
    const at = (path: string) => fs.statSync(join(folder, path));
    expect(at('d')).toMatchObject({ uid: 7, gid: 8, mode: 0o42750, mtimeMs: 5000 });
    expect(at('d/e')).toMatchObject({ uid: 0, gid: 0, mode: 0o40755 });
    expect(at('d/e/f')).toMatchObject({ uid: 9, gid: 0, mode: 0o104711, mtimeMs: 6000 });
  });
});

import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../store/index.ts';
import { END_OF_TAR, paddingOf, readTar, tarHeader, type TarEntry } from '../../tar/index.ts';
import { fromTar } from './from-tar.ts';
import { readRecords } from './records.ts';
import { chunksOf, entry, streamOf } from './testing.ts';
import { toTar } from './to-tar.ts';

async function tarOf(stream: Buffer, { keepOwner = false, devices = false } = {}): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of toTar(new ByteReader(chunksOf(stream)), { keepOwner, devices })) all.push(chunk);
  return Buffer.concat(all);
}

async function entriesOf(tar: Buffer): Promise<TarEntry[]> {
  const found: TarEntry[] = [];
  for await (const one of readTar(new ByteReader(chunksOf(tar)))) found.push(one);
  return found;
}

describe('out of a container', () => {
  const stream = streamOf(
    entry('dir', 'top', { mode: 0o755, uid: 7 }),
    entry('file', 'top/tool', { mode: 0o4755, uid: 7, sizeBytes: 5, xattrs: new Map([['user.a', 'b']]) }),
    '12345',
    entry('hardlink', 'top/again', { linkName: 'top/tool' }),
    entry('dir', 'top/sub', { mode: 0o700 }),
    entry('symlink', 'top/sub/link', { linkName: '/etc/shadow' }),
    entry('blockdev', 'top/disk', { major: 8 }),
  );

  test('owners, attributes and bits that give another user stay inside, and so do devices', async () => {
    const found = await entriesOf(await tarOf(stream));
    expect(found.map(({ type, name, mode, uid }) => `${type} ${name} ${mode.toString(8)} ${uid}`)).toEqual([
      'dir top/ 755 0',
      'file top/tool 755 0',
      'hardlink top/again 644 0',
      'dir top/sub/ 700 0',
      'symlink top/sub/link 644 0',
    ]);
    expect(found[1]!.xattrs.size).toBe(0);
  });

  test('all of it comes where it is asked for', async () => {
    const found = await entriesOf(await tarOf(stream, { keepOwner: true, devices: true }));
    expect(found[1]).toMatchObject({ mode: 0o4755, uid: 7, xattrs: new Map([['user.a', 'b']]) });
    expect(found.at(-1)).toMatchObject({ type: 'blockdev', name: 'top/disk', major: 8 });
  });

  test.each([
    ['leads out', [entry('file', '../etc/passwd')]],
    ['is absolute', [entry('file', '/etc/passwd')]],
    [
      'lies under a link',
      [entry('dir', 'top'), entry('symlink', 'top/l', { linkName: '/etc' }), entry('file', 'top/l/x')],
    ],
    ['lies beside what was asked for', [entry('dir', 'top'), entry('file', 'other')]],
    ['is a second root', [entry('file', 'top'), entry('file', 'top')]],
    [
      'is a further name of a file elsewhere',
      [entry('dir', 'top'), entry('hardlink', 'top/x', { linkName: '../../x' })],
    ],
    [
      'is of a folder that was left',
      [entry('dir', 'a'), entry('dir', 'a/b'), entry('file', 'a/c'), entry('file', 'a/b/d')],
    ],
  ])('what %s is refused, though the container says so', async (_what, entries) => {
    await expect(tarOf(streamOf(...entries))).rejects.toMatchObject({ code: 'DEPENDENCY' });
  });
});

describe('into a container', () => {
  const tar = (...entries: readonly (TarEntry | string)[]): Buffer =>
    Buffer.concat([
      ...entries.map((one) =>
        typeof one === 'string' ? Buffer.concat([Buffer.from(one), paddingOf(one.length)]) : tarHeader(one),
      ),
      END_OF_TAR,
    ]);

  async function recordsOf(archive: Buffer, { as, keepOwner = false }: { as?: string; keepOwner?: boolean } = {}) {
    const copied = { entries: 0, sizeBytes: 0 };
    const stream = fromTar({ source: chunksOf(archive), as, keepOwner }, copied);
    const found: TarEntry[] = [];
    for await (const one of readRecords(new ByteReader(stream))) found.push(one);
    return { found, copied };
  }

  test('comes as it is, all of it the user’s who owns the container', async () => {
    const { found, copied } = await recordsOf(
      tar(entry('dir', './'), entry('file', './a', { uid: 1000, gid: 5, sizeBytes: 5 }), '12345'),
    );
    expect(found).toMatchObject([{ name: 'a', uid: 0, gid: 0, sizeBytes: 5 }]);
    expect(copied).toEqual({ entries: 1, sizeBytes: 5 });
  });

  test('keeps owners where it is told to', async () => {
    const { found } = await recordsOf(tar(entry('file', 'a', { uid: 1000, gid: 5 })), { keepOwner: true });
    expect(found).toMatchObject([{ name: 'a', uid: 1000, gid: 5 }]);
  });

  test('takes another first name, and so do the links in it', async () => {
    const { found } = await recordsOf(
      tar(entry('dir', 'site/'), entry('file', 'site/a'), entry('hardlink', 'site/b', { linkName: 'site/a' })),
      { as: 'www' },
    );
    expect(found.map(({ name, linkName }) => `${name} ${linkName}`)).toEqual(['www ', 'www/a ', 'www/b www/a']);
  });

  test.each([
    ['a way out', entry('file', 'a/../../b')],
    ['an absolute path', entry('file', '/etc/passwd')],
    ['a link to a file outside', entry('hardlink', 'a', { linkName: '../../etc/shadow' })],
    ['a disk', entry('blockdev', 'sda', { major: 8 })],
    ['a deletion', entry('chardev', 'gone')],
    ['an attribute of an overlay', entry('file', 'a', { xattrs: new Map([['trusted.overlay.opaque', 'y']]) })],
    ['an owner that is none', entry('file', 'a', { uid: 0xffffffff })],
  ])('%s is refused', async (_what, hostile) => {
    await expect(recordsOf(tar(hostile), { keepOwner: true })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('one that is cut short is refused, and has no end', async () => {
    const archive = tar(entry('file', 'a', { sizeBytes: 5 }), '12345').subarray(0, 514);
    await expect(recordsOf(archive)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });
});

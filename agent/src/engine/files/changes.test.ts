import { expect, test } from 'vitest';
import type { Tree, TreeEntry } from '../../store/index.ts';
import type { TarEntry } from '../../tar/index.ts';
import { rawChangesOf, shownChange } from './changes.ts';
import { entry } from './testing.ts';

/** `etc/` is a folder, anything else a file. */
const tree = (paths: string): Tree =>
  ['', ...paths.split(' ')].map((path) => {
    const isFolder = path === '' || path.endsWith('/');
    return { path: path.replace(/\/$/, ''), type: isFolder ? 'dir' : 'file' } as TreeEntry;
  });

const marked = (name: string, value: string) => new Map([[`trusted.overlay.${name}`, value]]);

const check = (lower: string, upper: readonly TarEntry[], expected: string) =>
  expect(
    rawChangesOf(tree(lower), [entry('dir', ''), ...upper])
      .map(shownChange)
      .map(({ change, path }) => `${change} ${path}`)
      .join(', '),
  ).toBe(expected);

const image = 'bin/ bin/sh etc/ etc/a etc/b etc/sub/ etc/sub/c';

test('nothing on top is no change', () => check(image, [], ''));

test('a new file, and the folder that it is in', () =>
  check(image, [entry('dir', 'etc'), entry('file', 'etc/new')], 'C /etc, A /etc/new'));

test('a changed file, also where only its metadata was copied up', () =>
  check(image, [entry('dir', 'etc'), entry('file', 'etc/a', { xattrs: marked('metacopy', '') })], 'C /etc, C /etc/a'));

test('a deleted file, told by a device or by a mark', () => {
  check(image, [entry('dir', 'etc'), entry('chardev', 'etc/a')], 'C /etc, D /etc/a');
  check(image, [entry('dir', 'etc'), entry('file', 'etc/a', { xattrs: marked('whiteout', 'y') })], 'C /etc, D /etc/a');
});

test('what was made and deleted again was never there', () =>
  check(image, [entry('dir', 'etc'), entry('chardev', 'etc/new')], 'C /etc'));

test('a device that is none of an overlay is a new file', () =>
  check(image, [entry('chardev', 'null', { major: 1, minor: 3 })], 'A /null'));

test('a folder that was deleted and made again hides what it had', () =>
  check(
    image,
    [entry('dir', 'etc', { xattrs: marked('opaque', 'y') }), entry('file', 'etc/b')],
    'C /etc, D /etc/a, C /etc/b, D /etc/sub',
  ));

test('a folder that holds deletions is not one that hides', () =>
  check(image, [entry('dir', 'etc', { xattrs: marked('opaque', 'x') })], 'C /etc'));

test('a file in place of a folder', () =>
  check(image, [entry('file', 'etc')], 'C /etc, D /etc/a, D /etc/b, D /etc/sub'));

test('a renamed folder comes with all that is in it', () =>
  check(
    image,
    [entry('chardev', 'etc'), entry('dir', 'conf', { xattrs: marked('redirect', 'etc') }), entry('chardev', 'conf/a')],
    'A /conf, A /conf/b, A /conf/sub, A /conf/sub/c, D /etc',
  ));

test('a folder that was moved into another keeps what it had, by its way from the root', () =>
  check(
    image,
    [
      entry('dir', 'bin'),
      entry('dir', 'etc'),
      entry('chardev', 'etc/sub'),
      entry('dir', 'bin/s', { xattrs: marked('redirect', '/etc/sub') }),
    ],
    'C /bin, A /bin/s, A /bin/s/c, C /etc, D /etc/sub',
  ));

test('a folder in the place of another has what came along, and lacks what was there', () =>
  check(
    'a/ a/x a/y b/ b/x b/z',
    [entry('chardev', 'a'), entry('dir', 'b', { xattrs: marked('redirect', 'a') })],
    'D /a, C /b, C /b/x, A /b/y, D /b/z',
  ));

test('names that a terminal must not see are spelled out', () =>
  check(image, [entry('file', 'a\u001b[2J')], 'A /a\\x1b[2J'));

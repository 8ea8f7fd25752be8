import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Inode } from '../store/index.ts';
import { impliedFolder, LayeredRoot } from './layered-root.ts';
import { changeOf, isLayerName } from './whiteout.ts';

const owned = { uid: 0, gid: 0, mtime: '0' };
const folder = (mode = 0o755): Inode => ({ type: 'dir', mode, ...owned });
const file = (mode = 0o644): Inode => ({ type: 'file', sizeBytes: 1, digest: 'ab'.repeat(32), mode, ...owned });
const link = (target: string): Inode => ({ type: 'symlink', target, mode: 0o777, ...owned });

type Entry = readonly [path: string, inode: Inode | 'hard', target?: string];

/** Applies layers of entries, removals among them by their names. */
function fold(...layers: (readonly Entry[])[]): Map<string, Inode> {
  const root = new LayeredRoot();
  for (const layer of layers) {
    root.beginLayer();
    for (const [path, inode, target = ''] of layer) {
      const change = changeOf(path);
      if (change.kind === 'remove') root.remove(change.path);
      else if (change.kind === 'clear') root.clear(change.path);
      else if (change.kind === 'entry') {
        if (inode === 'hard') root.link(change.path, target);
        else root.put(change.path, inode);
      }
    }
  }
  return root.inodes();
}

const names = (inodes: Map<string, Inode>): string[] => [...inodes.keys()].toSorted();

const wh: Inode = file();

describe('a removal', () => {
  const lower: Entry[] = [
    ['d', folder()],
    ['d/a', file()],
    ['d/sub', folder()],
    ['d/sub/b', file()],
    ['e', file()],
  ];

  test('hides a file, and a folder with all below it', () => {
    expect(names(fold(lower, [['d/.wh.a', wh]]))).toEqual(['d', 'd/sub', 'd/sub/b', 'e']);
    expect(names(fold(lower, [['.wh.d', wh]]))).toEqual(['e']);
  });

  test('of everything in a folder leaves the folder', () => {
    expect(names(fold(lower, [['d/.wh..wh..opq', wh]]))).toEqual(['d', 'e']);
    expect(names(fold(lower, [['.wh..wh..opq', wh]]))).toEqual([]);
  });

  test.each([0, 1, 2])('spares what its own layer puts, in whatever order they come', (at) => {
    const added: Entry[] = [
      ['d', folder(0o700)],
      ['d/new', file()],
    ];
    expect(names(fold(lower, added.toSpliced(at, 0, ['.wh.d', wh])))).toEqual(['d', 'd/new', 'e']);
    expect(names(fold(lower, added.toSpliced(at, 0, ['d/.wh..wh..opq', wh])))).toEqual(['d', 'd/new', 'e']);
  });

  test('leaves a folder that its own layer only puts something into as an implied one', () => {
    const added: Entry = ['d/sub/new', file()];
    expect(names(fold(lower, [['.wh.d', wh], added]))).toEqual(['d/sub/new', 'e']);
    expect(names(fold(lower, [added, ['.wh.d', wh]]))).toEqual(['d/sub/new', 'e']);
  });

  test('of what is not there changes nothing', () => {
    const empty: Entry[] = [['x/y/.wh.z', wh]];
    expect(names(fold(lower, [['.wh.x', wh], ...empty, ['x/.wh..wh..opq', wh]]))).toEqual(names(fold(lower)));
  });

  test('leaves the folder, even one that nobody described', () => {
    expect(names(fold([['x/a', file()]], [['x/.wh.a', wh]]))).toEqual(['x']);
  });

  test('is undone by a later layer', () => {
    expect(names(fold(lower, [['.wh.d', wh]], [['d/a', file()]]))).toEqual(['d/a', 'e']);
  });

  test('of one name of a file leaves the others', () => {
    const inodes = fold([['a', file()]], [['b', 'hard', 'a']], [['.wh.a', wh]]);
    expect(names(inodes)).toEqual(['b']);
  });

  test.each(['.wh.', '.wh..', '.wh...', 'd/.wh.', '.wh.d/a'])('of %j is refused: it has no name', (path) => {
    expect(() => changeOf(path)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  test.each(['.wh..wh.plnk', '.wh..wh.aufs', '.wh..wh.plnk/1.2', 'a/.wh..wh.x'])(
    '%s is bookkeeping of AUFS',
    (path) => {
      expect(changeOf(path)).toEqual({ kind: 'none' });
    },
  );

  test('is told from a name that only looks similar', () => {
    expect(changeOf('a.wh.b/c.wh.')).toEqual({ kind: 'entry', path: 'a.wh.b/c.wh.' });
    expect(isLayerName('a/b.wh.')).toBe(true);
    expect(isLayerName('a/.wh.b')).toBe(false);
  });
});

describe('an entry', () => {
  test('that is a folder keeps what is in the folder it replaces', () => {
    const inodes = fold([['d/a', file()]], [['d', folder(0o700)]]);
    expect(names(inodes)).toEqual(['d', 'd/a']);
    expect(inodes.get('d')?.mode).toBe(0o700);
  });

  test('that is a file replaces a folder and all below, and the reverse', () => {
    const tree: Entry[] = [['d/sub/a', file()]];
    expect(names(fold(tree, [['d', file()]]))).toEqual(['d']);
    expect(names(fold(tree, [['d', file()]], [['d', folder()]], [['d/b', file()]]))).toEqual(['d', 'd/b']);
  });

  test('that is a file is refused over a folder its own layer filled', () => {
    const swapped: Entry[] = [
      ['d/a', file()],
      ['d', link('/etc')],
    ];
    expect(() => fold(swapped)).toThrow(/folder with contents/);
    expect(() => fold([['d', folder()]], swapped)).toThrow(/folder with contents/);
  });

  test('may be a hard link to a file of a lower layer, and shares its inode', () => {
    const inodes = fold([['a/file', file(0o600)]], [['b', 'hard', 'a/file']]);
    expect(inodes.get('b')).toBe(inodes.get('a/file'));
  });

  test.each(['nothing', 'd', '', 'd/a/b'])('is refused as a hard link to %j', (target) => {
    expect(() => fold([['d/x', file()]], [['b', 'hard', target]])).toThrow(/not a file before it/);
  });

  test('cannot be the root unless it is a folder', () => {
    expect(() => fold([['', link('/')]])).toThrow(/root/);
    expect(fold([['', folder(0o700)]]).get('')?.mode).toBe(0o700);
  });
});

describe('an entry below a symbolic link', () => {
  test.each([
    ['usr/lib', 'usr/lib/x'],
    ['/usr/lib', 'usr/lib/x'],
    ['../../../usr/lib', 'usr/lib/x'],
    ['./usr//lib/.', 'usr/lib/x'],
    ['new/place', 'new/place/x'],
  ])('of a lower layer, to %s, goes where it leads inside of the root', (target, place) => {
    const inodes = fold(
      [
        ['usr/lib', folder()],
        ['lib', link(target)],
      ],
      [['lib/x', file()]],
    );
    expect(inodes.get(place)).toMatchObject({ type: 'file' });
    expect(inodes.get('lib')).toMatchObject({ type: 'symlink' });
  });

  test('of its own layer is refused', () => {
    expect(() =>
      fold([
        ['lib', link('/etc')],
        ['lib/x', file()],
      ]),
    ).toThrow(/symbolic link of the same archive/);
    const under: Entry[] = [['lib', folder()]];
    expect(() =>
      fold(under, [
        ['lib', link('/etc')],
        ['lib/passwd', file()],
      ]),
    ).toThrow(/of the same archive/);
  });

  test('in a circle is refused', () => {
    expect(() =>
      fold(
        [
          ['a', link('b')],
          ['b', link('a')],
        ],
        [['a/x', file()]],
      ),
    ).toThrow(/too many symbolic links/);
  });

  test('that leads to a file is refused', () => {
    expect(() =>
      fold(
        [
          ['f', file()],
          ['a', link('f')],
        ],
        [['a/x', file()]],
      ),
    ).toThrow(/not a folder/);
  });

  test('is removed where the link leads', () => {
    const lower: Entry[] = [
      ['usr/lib/x', file()],
      ['lib', link('usr/lib')],
    ];
    expect(names(fold(lower, [['lib/.wh.x', wh]]))).toEqual(['lib', 'usr/lib']);
  });

  test('a link itself is replaced, not followed', () => {
    const inodes = fold(
      [
        ['usr/lib/x', file()],
        ['lib', link('usr/lib')],
      ],
      [
        ['lib', folder()],
        ['lib/y', file()],
      ],
    );
    expect(names(inodes)).toEqual(['lib', 'lib/y', 'usr/lib/x']);
  });
});

test('no more folders are implied than there may be entries', () => {
  const root = new LayeredRoot(100);
  root.beginLayer();
  expect(() => root.put('a/'.repeat(200) + 'b', file())).toThrow(/more than 100/);
});

test('a folder that is cleared again and again is walked once in a layer', () => {
  const root = new LayeredRoot();
  root.beginLayer();
  root.put('d', folder());
  for (let at = 0; at < 20_000; at++) root.put(`d/${at}`, file());
  for (let at = 0; at < 20_000; at++) root.clear('d');
  expect(root.inodes().size).toBe(20_001);
});

test('layers give what removing first and adding then gives', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const step = fc.record({ path, kind: fc.constantFrom('file', 'dir', 'remove', 'clear'), mode: fc.nat(0o777) });
  let compared = 0;
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 6 }), { minLength: 1, maxLength: 4 }), (layers) => {
      const root = new LayeredRoot();
      try {
        for (const layer of layers) {
          root.beginLayer();
          for (const { path, kind, mode } of layer) {
            if (kind === 'remove') root.remove(path);
            else if (kind === 'clear') root.clear(path);
            else root.put(path, kind === 'dir' ? folder(mode) : file(mode));
          }
        }
      } catch {
        // A file where a folder is needed: refused, as the tests above say.
        return;
      }
      compared++;
      const wanted = modelled(layers);
      expect([...root.inodes()].filter(([at, inode]) => at !== '' && inode !== impliedFolder).toSorted()).toEqual(
        [...wanted].toSorted(),
      );
    }),
    { numRuns: 2000 },
  );
  expect(compared).toBeGreaterThan(500);
});

interface Step {
  readonly path: string;
  readonly kind: string;
  readonly mode: number;
}

/** The plain way: a flat list of names, removals of a layer before its entries. */
function modelled(layers: readonly (readonly Step[])[]): Map<string, Inode> {
  const all = new Map<string, Inode>();
  const dropBelow = (path: string) => {
    for (const name of [...all.keys()]) if (name.startsWith(`${path}/`)) all.delete(name);
  };
  for (const layer of layers) {
    for (const { path, kind } of layer) {
      if (kind !== 'remove' && kind !== 'clear') continue;
      dropBelow(path);
      if (kind === 'remove') all.delete(path);
    }
    for (const { path, kind, mode } of layer) {
      if (kind === 'file') dropBelow(path);
      if (kind === 'file') all.set(path, file(mode));
      if (kind === 'dir') all.set(path, folder(mode));
    }
  }
  return all;
}

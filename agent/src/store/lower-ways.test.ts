/** Which way lowers are made, and what becomes of those that were made in another. Mounts are in e2e/contracts. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { NodePrograms, type Programs, type SpecialFiles } from '../host/index.ts';
import { fileInode, tempFolder, tempStore, type TempStore, unfinished } from './testing.ts';
import { makeTree } from './tree.ts';
import { encodeTree } from './tree-codec.ts';

/** What the kernel says to the overlay that is tried. */
type Verdict = 'can' | 'cannot' | 'says nothing';

const mountsThat = (verdict: Verdict): Programs => {
  const real = new NodePrograms();
  const tried = {
    can: { code: 0, stdout: 'volt\n', stderr: '' },
    cannot: { code: 32, stdout: '', stderr: 'mount: wrong fs type\n' },
    'says nothing': { code: 127, stdout: '', stderr: 'out of memory' },
  }[verdict];
  return {
    run: (argv, options) => (argv[0] === 'unshare' ? Promise.resolve(tried) : real.run(argv, options)),
    open: () => Promise.reject(new Error('not asked for')),
  };
};

/** Remembers attributes in place of the kernel, which gives these to root alone. */
function memory(): SpecialFiles & { readonly xattrs: Map<string, string> } {
  const xattrs = new Map<string, string>();
  return {
    xattrs,
    makeNode: () => {},
    setXattr: (path, name, value) => void xattrs.set(`${path.toString('utf8')} ${name}`, value.toString('utf8')),
  };
}

const noAttributes: SpecialFiles = {
  ...memory(),
  setXattr: () => {
    throw new VoltError('DEPENDENCY', 'The kernel refuses to set the attribute');
  },
};

const open = (folder: string, verdict: Verdict, lowers: 'auto' | 'redirect' | 'hardlink' | 'copy' = 'auto') =>
  tempStore(folder, { programs: mountsThat(verdict), specials: memory(), lowers });

const wayFile = (store: TempStore, tree: string): string =>
  readFileSync(join(store.folder, 'images', tree, 'way'), 'utf8');

async function put(store: TempStore, text = 'contents', metadata = {}): Promise<string> {
  const file = await fileInode(store, text, metadata);
  return store.objects.put(encodeTree(makeTree(new Map([['file', file]]))));
}

test.each([
  ['auto', 'can', 'redirect', null],
  ['auto', 'cannot', 'hardlink', 'an overlay with a data-only layer fails: mount: wrong fs type'],
  ['redirect', 'can', 'redirect', null],
  ['hardlink', 'can', 'hardlink', 'store.lowers is set so'],
  ['copy', 'can', 'copy', 'store.lowers is set so'],
] as const)('%s on a kernel that %s is %s', async (setting, verdict, way, reason) => {
  const store = await open(tempFolder(), verdict, setting);
  expect([store.lowers.way, store.lowers.reason]).toEqual([way, reason]);
  expect(unfinished(store)).toEqual([]);
});

test('a file system without the attributes is reason enough for hard links', async () => {
  const store = await tempStore(tempFolder(), {
    programs: mountsThat('can'),
    specials: noAttributes,
    lowers: 'auto',
  });
  expect(store.lowers.way).toBe('hardlink');
  expect(store.lowers.reason).toContain('refuses to set the attribute');
});

test('a way that is set and cannot be had is an error', async () => {
  await expect(open(tempFolder(), 'cannot', 'redirect')).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: expect.stringContaining('wrong fs type'),
  });
});

test('a redirect tree leads to the objects, which stay as they are', async () => {
  const specials = memory();
  const store = await tempStore(tempFolder(), { programs: mountsThat('can'), specials, lowers: 'auto' });
  const tree = await put(store, 'contents', { mode: 0o4755, uid: 0 });
  const file = join(await store.lowers.materialise(tree), 'file');
  const digest = store.objects.hash.of(Buffer.from('contents'));
  const set = [...specials.xattrs]
    .filter(([key]) => key.includes('/images/'))
    .map(([key, value]) => [key.split(' ')[1], value]);
  expect(set).toEqual([
    ['trusted.overlay.metacopy', ''],
    ['trusted.overlay.redirect', `/${digest.slice(0, 2)}/${digest}`],
  ]);
  const { size, blocks, mode, mtimeMs } = statSync(file);
  expect([size, blocks, mode & 0o7777, mtimeMs]).toEqual([8, 0, 0o4755, 1_700_000_000_000]);
  expect(statSync(store.objects.pathOf(digest))).toMatchObject({ nlink: 1, mode: 0o100400 });
  expect(wayFile(store, tree)).toBe(`redirect ${join(store.folder, 'cas/objects')}\n`);
  expect(store.lowers.wayOf(tree)).toBe('redirect');
});

test('what a lower is made of is held until it is there', async () => {
  const seen: boolean[] = [];
  const programs = mountsThat('can');
  const store: TempStore = await tempStore(tempFolder(), {
    specials: memory(),
    lowers: 'auto',
    programs: {
      ...programs,
      run: (argv, options) => {
        if (argv[0] === 'sync') seen.push(store.holds.isHeld(digest), store.holds.isHeld(tree));
        return programs.run(argv, options);
      },
    },
  });
  const tree = await put(store);
  const digest = store.objects.hash.of(Buffer.from('contents'));
  await store.lowers.materialise(tree);
  expect(seen).toEqual([true, true]);
  expect([store.holds.isHeld(digest), store.holds.isHeld(tree)]).toEqual([false, false]);
});

test('a copy shares nothing with the objects', async () => {
  const store = await open(tempFolder(), 'can', 'copy');
  const tree = await put(store);
  const file = join(await store.lowers.materialise(tree), 'file');
  expect(statSync(file).nlink).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe('contents');
  expect(wayFile(store, tree)).toBe('copy\n');
});

test('a redirect tree is made again, as hard links, where the kernel cannot mount it any more', async () => {
  const folder = tempFolder();
  const tree = await put(await open(folder, 'can'));
  const before = await open(folder, 'can');
  await before.lowers.materialise(tree);
  for (const setting of ['auto', 'hardlink'] as const) {
    const after = await open(folder, 'cannot', setting);
    expect(readFileSync(join(await after.lowers.materialise(tree), 'file'), 'utf8')).toBe('contents');
    expect(after.lowers.wayOf(tree)).toBe('hardlink');
    expect(unfinished(after)).toEqual([]);
  }
});

test('a redirect tree to objects that are elsewhere is made again', async () => {
  const folder = tempFolder();
  const store = await open(folder, 'can');
  const tree = await put(store);
  const lower = await store.lowers.materialise(tree);
  const { ino } = statSync(lower);
  const elsewhere = await tempStore(tempFolder(), {
    ...{ programs: mountsThat('can'), specials: memory(), lowers: 'auto' },
    images: join(folder, 'images'),
  });
  await put(elsewhere);
  expect(statSync(await elsewhere.lowers.materialise(tree)).ino).not.toBe(ino);
  expect(wayFile(store, tree)).toBe(`redirect ${join(elsewhere.folder, 'cas/objects')}\n`);
});

test.each([
  ['a kernel that can, and another way set', 'can', 'hardlink'],
  ['an answer that says nothing about the kernel', 'says nothing', 'auto'],
] as const)('a redirect tree stays as it is with %s', async (_what, verdict, setting) => {
  const folder = tempFolder();
  const before = await open(folder, 'can');
  const tree = await put(before);
  const { ino } = statSync(await before.lowers.materialise(tree));
  const after = await open(folder, verdict, setting);
  expect(statSync(await after.lowers.materialise(tree)).ino).toBe(ino);
  expect(after.lowers.wayOf(tree)).toBe('redirect');
  expect(after.lowers.way).toBe('hardlink');
});

test('a lower that does not say how it was made is of hard links, and stays', async () => {
  const folder = tempFolder();
  const before = await open(folder, 'cannot');
  const tree = await put(before);
  const { ino } = statSync(await before.lowers.materialise(tree));
  rmSync(join(folder, 'images', tree, 'way'));
  const after = await open(folder, 'can');
  expect(statSync(await after.lowers.materialise(tree)).ino).toBe(ino);
  expect(after.lowers.wayOf(tree)).toBe('hardlink');
  expect(after.lowers.wayOf('0'.repeat(64))).toBeUndefined();
});

/** Every way of laying out a tree, under the overlay that a container would see it through: it is the tree. */
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import {
  appendFileSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import { encodeTree, fsPath, makeTree, openStore, type Inode, type Store, type Tree } from '@volt/agent/store';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { callsOf } from '../../agent/src/host/libc.ts';
import { mountLower, type Mounted } from './mounted-lower.ts';

const libc = callsOf({ lgetxattr: { return: 'int64', arguments: ['buffer', 'buffer', 'buffer', 'uint64'] } });

const folder = mkdtempSync(join(tmpdir(), 'volt-lowers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MANY = 10_000;
/** In version 2 of the attribute: cap_net_raw, effective and permitted. */
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('base64');
const USER = 12_345;
const plain = { uid: 0, gid: 0, mtime: '1700000000' };

let builder: Store;
let tree: Tree;
let digest: string;

const storeWith = (lowers: 'redirect' | 'hardlink' | 'copy'): Promise<Store> => {
  const ports = { programs: new NodePrograms(), specials: kernelSpecialFiles };
  return openStore({ root: join(folder, 'cas'), images: join(folder, `images-${lowers}`), ...ports, lowers });
};

beforeAll(async () => {
  builder = await storeWith('redirect');
  tree = await makeDebianLike(builder);
  digest = await builder.objects.put(encodeTree(tree));
});

async function makeDebianLike(store: Store): Promise<Tree> {
  await using batch = store.objects.ingest();
  const file = async (contents: string | Buffer, metadata: Partial<Inode> = {}): Promise<Inode> => {
    const bytes = Buffer.from(contents as string);
    const sizeBytes = bytes.length;
    return {
      type: 'file',
      ...plain,
      mode: 0o644,
      ...metadata,
      sizeBytes,
      digest: await batch.putBytes(bytes),
    } as Inode;
  };
  const dir = (mode: number, metadata: Partial<Inode> = {}): Inode =>
    ({ type: 'dir', ...plain, mode, ...metadata }) as Inode;
  const twice = await file('twice', { mode: 0o640, gid: 4 });
  const [id, cat] = ['id', 'cat'].map((name) => readFileSync(`/usr/bin/${name}`)) as [Buffer, Buffer];
  const inodes = new Map<string, Inode>([
    ['', dir(0o755, { mtime: '1600000000.5' })],
    ['bin', dir(0o755)],
    ['bin/id', await file(id, { mode: 0o755 })],
    ['bin/suid', await file(id, { mode: 0o4755, uid: 4321 })],
    ['bin/sgid', await file(id, { mode: 0o2755, gid: 4321 })],
    ['bin/raw', await file(cat, { mode: 0o755, xattrs: { 'security.capability': NET_RAW } })],
    ['bin/sh', { type: 'symlink', target: 'dash', ...plain, mode: 0o777, uid: 7 }],
    ['bin/nowhere', { type: 'symlink', target: '/no/such', ...plain, mode: 0o777 }],
    ['etc/empty', await file('', { mode: 0o600, uid: 5 })],
    ['etc/shadow', await file('secret', { mode: 0o640, gid: 42 })],
    ['etc/noted', await file('noted', { xattrs: { 'user.note': 'AAEK', 'user.overlay.opaque': 'eQ==' } })],
    ['etc/one', twice],
    ['etc/two', twice],
    ['tmp', dir(0o1777)],
    ['mail', dir(0o2775, { gid: 8 })],
    ['folder', dir(0o755, { xattrs: { 'user.note': 'AAEK' } })],
    ['holes', await file(Buffer.alloc(3_000_001))],
    ['dev/null', { type: 'chardev', major: 1, minor: 3, ...plain, mode: 0o666 }],
    ['dev/disk', { type: 'blockdev', major: 259, minor: 300, ...plain, mode: 0o660, gid: 6 }],
    ['dev/pipe', { type: 'fifo', ...plain, mode: 0o622 }],
    ['odd/\xff\xfe bytes\n', await file('odd')],
    [`odd/${'n'.repeat(255)}`, await file('long')],
    ['odd/-rf *', await file('spaces')],
    ['odd/a:b,c\\d', await file('signs')],
  ]);
  for (let n = 0; n < MANY; n++) {
    // Of each contents several files, not all with the same metadata.
    inodes.set(
      `many/${n % 100}/${n}`,
      await file(`file ${n % 500}`, { mode: n % 3 === 0 ? 0o755 : 0o644, gid: n % 2 }),
    );
  }
  await batch.commit();
  return makeTree(inodes);
}

/** All below the root, which is a container's own folder, or all but the many. */
type Part = 'all' | 'few';

const isPart = (part: Part, path: string): boolean => path !== '' && (part === 'all' || !path.startsWith('many'));

/** One entry for each path of the tree, hard links with what they are links to. */
function wanted(part: Part): Record<string, unknown>[] {
  const byPath = new Map(tree.map((entry) => [entry.path, entry]));
  return tree
    .filter(({ path }) => isPart(part, path))
    .map((entry) => {
      const { path: _path, ...inode } = entry.type === 'hardlink' ? byPath.get(entry.target)! : entry;
      return { path: entry.path, ...inode };
    });
}

/** The same of what is mounted. Attributes are asked for by the names that the tree has there. */
function seen(root: string, part: Part): Record<string, unknown>[] {
  const xattrsAt = new Map(tree.map((entry) => [entry.path, entry.type === 'hardlink' ? undefined : entry.xattrs]));
  const walk = (path: string): string[] => {
    const at = fsPath(root, path);
    const names = lstatSync(at).isDirectory() ? readdirSync(at, 'latin1') : [];
    const below = names.map((name) => (path === '' ? name : `${path}/${name}`)).filter((each) => isPart(part, each));
    return [path, ...below.flatMap(walk)];
  };
  return walk('')
    .slice(1)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((path) => entryOf(root, path, Object.keys(xattrsAt.get(path) ?? {})));
}

function entryOf(root: string, path: string, names: readonly string[]): Record<string, unknown> {
  const at = fsPath(root, path);
  const { mode, uid, gid, mtimeMs, size, rdev } = lstatSync(at);
  const mtime = String(mtimeMs / 1000);
  const common = {
    path,
    mode: mode & 0o7777,
    uid,
    gid,
    mtime,
    ...(names.length > 0 && { xattrs: xattrsOf(at, names) }),
  };
  const numbers = { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
  switch (mode & 0o170000) {
    case 0o040000:
      return { ...common, type: 'dir' };
    case 0o100000:
      return { ...common, type: 'file', sizeBytes: size, digest: builder.objects.hash.of(readFileSync(at)) };
    case 0o120000:
      return { ...common, type: 'symlink', target: readlinkSync(at, 'latin1') };
    case 0o020000:
      return { ...common, type: 'chardev', ...numbers };
    case 0o060000:
      return { ...common, type: 'blockdev', ...numbers };
    default:
      return { ...common, type: 'fifo' };
  }
}

function xattrsOf(path: string | Buffer, names: readonly string[]): Record<string, string> {
  const cString = (text: string | Buffer) => Buffer.concat([Buffer.from(text as string), Buffer.alloc(1)]);
  return Object.fromEntries(
    names.map((name) => {
      const value = Buffer.alloc(100);
      const length = Number(libc().lgetxattr(cString(path), cString(name), value, 100n));
      return [name, length < 0 ? 'absent' : value.subarray(0, length).toString('base64')];
    }),
  );
}

describe.each(['redirect', 'hardlink', 'copy'] as const)('a lower made as %s', (way) => {
  let lower: string;

  beforeAll(async () => {
    const store = await storeWith(way);
    expect(store.lowers.way).toBe(way);
    lower = await store.lowers.materialise(digest);
  });

  let homes = 0;
  const mounted = async (): Promise<Mounted> => {
    const view = await mountLower(lower, join(folder, `${way}-${homes++}`));
    onTestFinished(() => view.unmount());
    return view;
  };

  test('is the tree', async () => {
    const { root } = await mounted();
    expect(seen(root, 'all')).toEqual(wanted('all'));
    expect(lstatSync(lower)).toMatchObject({ mode: 0o040755, mtimeMs: 1_600_000_000_500 });
  });

  test('keeps the names of one file together, and has blocks where there are contents', async () => {
    const { root } = await mounted();
    const [one, two] = ['etc/one', 'etc/two'].map((name) => lstatSync(join(root, name)));
    expect(two!.ino).toBe(one!.ino);
    expect(one!.blocks).toBeGreaterThan(0);
    if (way !== 'hardlink') expect(one!.nlink).toBe(2);
  });

  test('gives users what the modes give them', async () => {
    const { run } = await mounted();
    expect(run(USER, ['cat', 'odd/-rf *'])).toEqual({ code: 0, stdout: 'spaces' });
    expect(run(USER, ['cat', 'etc/shadow']).code).toBe(1);
    expect(run(42, ['cat', 'etc/shadow'])).toEqual({ code: 0, stdout: 'secret' });
  });

  test('has programs that run, with the privileges of their files', async () => {
    const { run } = await mounted();
    expect(run(USER, ['bin/id', '-u']).stdout).toBe(`${USER}\n`);
    expect(run(USER, ['bin/suid', '-u']).stdout).toBe('4321\n');
    expect(run(USER, ['bin/sgid', '-g']).stdout).toBe('4321\n');
    expect(run(USER, ['bin/raw', '/proc/self/status']).stdout).toMatch(/^CapEff:\t0000000000002000$/m);
  });

  test('can be written over, and stays as it was for others and for the objects', async () => {
    const { root } = await mounted();
    appendFileSync(join(root, 'odd/-rf *'), ' and more');
    writeFileSync(join(root, 'etc/one'), 'own');
    chmodSync(join(root, 'etc/shadow'), 0o600);
    renameSync(join(root, 'bin/id'), join(root, 'bin/whoami'));
    renameSync(join(root, 'odd'), join(root, 'even'));
    rmSync(join(root, 'many'), { recursive: true });
    const texts = ['even/-rf *', 'etc/one', 'etc/shadow'].map((name) => readFileSync(join(root, name), 'utf8'));
    expect(texts).toEqual(['spaces and more', 'own', 'secret']);
    expect(lstatSync(join(root, 'etc/shadow'))).toMatchObject({ mode: 0o100600, gid: 42 });
    expect(statSync(join(root, 'bin/whoami')).size).toBe(statSync('/usr/bin/id').size);
    const other = await mounted();
    expect(seen(other.root, 'few')).toEqual(wanted('few'));
    expect(readdirSync(join(other.root, 'many'))).toHaveLength(100);
    for (const { digest: object } of tree.filter((entry) => entry.type === 'file').slice(0, 50)) {
      expect(await builder.objects.verify(object)).toBe('ok');
    }
  });
});

test('what a container wrote over one way is there over the others', async () => {
  const home = join(folder, 'moving');
  const lowers = [];
  for (const way of ['redirect', 'hardlink', 'copy'] as const) {
    lowers.push(await (await storeWith(way)).lowers.materialise(digest));
  }
  const first = await mountLower(lowers[0]!, home);
  chmodSync(join(first.root, 'bin/id'), 0o700);
  const { size, blocks } = lstatSync(join(home, 'upper/bin/id'));
  // A change of metadata alone copies no contents.
  expect(blocks * 512).toBeLessThan(size);
  chmodSync(join(first.root, 'etc/shadow'), 0o600);
  writeFileSync(join(first.root, 'etc/one'), 'own');
  renameSync(join(first.root, 'odd'), join(first.root, 'even'));
  await first.unmount();
  for (const lower of [...lowers, lowers[0]!]) {
    const { root, unmount } = await mountLower(lower, home);
    const read = (name: string) => readFileSync(join(root, name), 'utf8');
    expect([read('etc/shadow'), read('etc/one'), read('even/-rf *')]).toEqual(['secret', 'own', 'spaces']);
    expect(readFileSync(join(root, 'bin/id')).equals(readFileSync('/usr/bin/id'))).toBe(true);
    expect(existsSync(join(root, 'odd'))).toBe(false);
    await unmount();
  }
});

describe('in a redirect tree', () => {
  const objectAt = (store: Store, path: string): string => {
    const entry = tree.find((one) => one.path === path);
    return store.objects.pathOf(entry?.type === 'file' ? entry.digest : '');
  };

  test('objects have no metadata of images, and one that is put back is there again', async () => {
    const store = await storeWith('redirect');
    const { root, unmount } = await mountLower(await store.lowers.materialise(digest), join(folder, 'healed'));
    onTestFinished(unmount);
    const object = objectAt(store, 'odd/-rf *');
    expect(lstatSync(object)).toMatchObject({ uid: 0 });
    cpSync(object, `${object}.kept`);
    rmSync(object);
    expect(() => readFileSync(join(root, 'odd/-rf *'))).toThrow();
    renameSync(`${object}.kept`, object);
    expect(readFileSync(join(root, 'odd/-rf *'), 'utf8')).toBe('spaces');
  });

  test('nothing leads out of the folder of objects', async () => {
    const home = join(folder, 'outside');
    for (const name of ['x/rootfs', 'objects/aa']) mkdirSync(join(home, name), { recursive: true });
    writeFileSync(join(home, 'secret'), 'secret');
    writeFileSync(join(home, 'objects/aa/good'), 'secret');
    symlinkSync('../../secret', join(home, 'objects/aa/link'));
    writeFileSync(join(home, 'x/way'), `redirect ${join(home, 'objects')}\n`);
    const redirects = {
      good: '/aa/good',
      up: '/../secret',
      inside: '/aa/../../secret',
      link: '/aa/link',
      host: '/etc/passwd',
    };
    for (const [name, redirect] of Object.entries(redirects)) {
      const at = join(home, 'x/rootfs', name);
      writeFileSync(at, Buffer.alloc(6));
      kernelSpecialFiles.setXattr(Buffer.from(at), 'trusted.overlay.metacopy', Buffer.alloc(0));
      kernelSpecialFiles.setXattr(Buffer.from(at), 'trusted.overlay.redirect', Buffer.from(redirect));
    }
    const { root, unmount } = await mountLower(join(home, 'x/rootfs'), join(home, 'mounted'));
    onTestFinished(unmount);
    expect(readFileSync(join(root, 'good'), 'utf8')).toBe('secret');
    for (const name of ['up', 'inside', 'link', 'host']) expect(() => readFileSync(join(root, name))).toThrow();
  });
});

/** Trees as people look at them: `volt cas ls` and `volt cas diff`. */
import { VoltError } from '@volt/shared/errors';
import type { TreeChange, TreeRow } from '@volt/shared/model';
import { type ByteString, decodeTree, fromText, shown, type Store, type Tree, type TreeEntry } from '../store/index.ts';
import { type Found, treeOf } from './resolve.ts';

export async function readTree(store: Store, found: Found): Promise<Tree> {
  const bytes = store.objects.read(await treeOf(store, found));
  try {
    return decodeTree(bytes);
  } catch (cause) {
    throw new VoltError('USAGE', `${found.name} is no file tree`, { hint: `volt cas get ${found.digest}`, cause });
  }
}

/** The entries of a folder, or the one file; `recursive`: everything below too. */
export function* listTree(tree: Tree, path: string, recursive: boolean): Generator<TreeRow> {
  const wanted = fromText(path.replace(/^\/+|\/+$/g, ''));
  const entry = tree.find((one) => one.path === wanted);
  if (entry === undefined) throw new VoltError('NOT_FOUND', `There is no '${path}' in this tree`);
  const all = new Map(tree.map((one) => [one.path, one]));
  if (entry.type !== 'dir') return yield rowOf(entry, all);
  const prefix = wanted === '' ? '' : `${wanted}/`;
  for (const one of tree) {
    if (one.path === wanted || !one.path.startsWith(prefix)) continue;
    if (recursive || !one.path.includes('/', prefix.length)) yield rowOf(one, all);
  }
}

type Whole = Exclude<TreeEntry, { type: 'hardlink' }>;

const types = { file: '-', dir: 'd', symlink: 'l', chardev: 'c', blockdev: 'b', fifo: 'p' } as const;

/** A hard link is shown with what it shares with its first name. */
function rowOf(entry: TreeEntry, all: ReadonlyMap<ByteString, TreeEntry>): TreeRow {
  const whole = wholeOf(entry, all);
  const { mode, uid, gid, mtime, type } = whole;
  const target = entry.type === 'hardlink' || entry.type === 'symlink' ? shown(entry.target) : null;
  return {
    ...{ path: `/${shown(entry.path)}`, type: entry.type, mode: types[type] + modeText(mode), uid, gid },
    sizeBytes: whole.type === 'file' ? whole.sizeBytes : null,
    modifiedAt: new Date(Math.floor(Number(mtime) * 1000)).toISOString(),
    target,
    digest: whole.type === 'file' ? whole.digest : null,
  };
}

function wholeOf(entry: TreeEntry, all: ReadonlyMap<ByteString, TreeEntry>): Whole {
  // The target of a hard link is an entry before it and no hard link: every tree is checked for that.
  return (entry.type === 'hardlink' ? all.get(entry.target) : entry) as Whole;
}

/** As `ls -l` writes it, the bits for setuid, setgid and sticky in the places of `x`. */
function modeText(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-'));
  const special = (bit: number, at: number, letter: string) => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(0o4000, 2, 's');
  special(0o2000, 5, 's');
  special(0o1000, 8, 't');
  return bits.join('');
}

/** What one must do to `from` to have `to`, in the order of paths. */
export function* diffTrees(from: Tree, to: Tree): Generator<TreeChange> {
  const [allFrom, allTo] = [from, to].map((tree) => new Map(tree.map((one) => [one.path, one])));
  let [atFrom, atTo] = [0, 0];
  while (atFrom < from.length || atTo < to.length) {
    const [old, now] = [from[atFrom], to[atTo]];
    if (now === undefined || (old !== undefined && old.path < now.path)) {
      yield { change: 'removed', path: `/${shown(old!.path)}`, what: [] };
      atFrom++;
    } else if (old === undefined || now.path < old.path) {
      yield { change: 'added', path: `/${shown(now.path)}`, what: [] };
      atTo++;
    } else {
      const what = differences(old, now, { allFrom: allFrom!, allTo: allTo! });
      if (what.length > 0) yield { change: 'changed', path: `/${shown(now.path)}`, what };
      atFrom++;
      atTo++;
    }
  }
}

function differences(
  a: TreeEntry,
  b: TreeEntry,
  { allFrom, allTo }: { allFrom: ReadonlyMap<ByteString, TreeEntry>; allTo: ReadonlyMap<ByteString, TreeEntry> },
): TreeChange['what'] {
  const what: TreeChange['what'] = [];
  const [old, now] = [wholeOf(a, allFrom), wholeOf(b, allTo)];
  if (old.type !== now.type) what.push('type');
  if (contentOf(old) !== contentOf(now)) what.push('content');
  if (old.mode !== now.mode) what.push('mode');
  if (old.uid !== now.uid || old.gid !== now.gid) what.push('owner');
  if (old.mtime !== now.mtime) what.push('time');
  if (JSON.stringify(old.xattrs ?? {}) !== JSON.stringify(now.xattrs ?? {})) what.push('attributes');
  const linked = [a, b].map((one) => (one.type === 'hardlink' ? one.target : undefined));
  if (linked[0] !== linked[1]) what.push('links');
  return what;
}

function contentOf(entry: Whole): string {
  switch (entry.type) {
    case 'file':
      return entry.digest;
    case 'symlink':
      return entry.target;
    case 'chardev':
    case 'blockdev':
      return `${entry.major}:${entry.minor}`;
    case 'dir':
    case 'fifo':
      return '';
  }
}

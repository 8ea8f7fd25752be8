/**
 * A tree: what an image's folder looks like, apart from the contents.
 *
 * Invariants of every tree in memory or in the store:
 * - the first entry is the root, with path '' and type 'dir'
 * - entries are sorted by the bytes of their path and no path occurs twice
 * - the parent of every entry is an entry of type 'dir': nothing can be
 *   reached through a symbolic link
 * - of the names of one file the smallest is the entry with the metadata; the
 *   others are hard links to it
 */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, shown } from './byte-string.ts';
import type { Digest } from './digest.ts';

/** Where the numbers come from: PATH_MAX and NAME_MAX of Linux; ten times the files of a large desktop. */
export const PATH_BYTES_MAX = 4095;
export const NAME_BYTES_MAX = 255;
export const ENTRIES_MAX = 2_000_000;

/** What the overlay keeps its own notes in. */
export const OVERLAY_XATTRS = 'trusted.overlay.';

export interface Metadata {
  /** The permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970 as a decimal with up to nine places, no trailing zero: '1700000000.25'. */
  readonly mtime: string;
  /** Extended attributes by name, values in base64. Absent where there are none. */
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
}

export type Kind =
  | { readonly type: 'dir' }
  | { readonly type: 'file'; readonly sizeBytes: number; readonly digest: Digest }
  | { readonly type: 'symlink'; readonly target: ByteString }
  | { readonly type: 'chardev' | 'blockdev'; readonly major: number; readonly minor: number }
  | { readonly type: 'fifo' };

/** One file in the wide sense, whatever its names. */
export type Inode = Metadata & Kind;
export type FileEntry = Metadata & Extract<Kind, { type: 'file' }> & { readonly path: ByteString };
export type HardLink = { readonly type: 'hardlink'; readonly path: ByteString; readonly target: ByteString };
export type TreeEntry = (Inode & { readonly path: ByteString }) | HardLink;
export type Tree = readonly TreeEntry[];

/** What a folder gets that nobody described. */
const impliedFolder: Inode = { type: 'dir', mode: 0o755, uid: 0, gid: 0, mtime: '0' };

/**
 * The tree of named inodes, in whatever order they come. Two names with the
 * same inode object are hard links. Folders that are only implied are added.
 */
export function makeTree(inodes: ReadonlyMap<ByteString, Inode>): Tree {
  const all = new Map(inodes);
  for (const path of inodes.keys()) {
    for (let parent = parentOf(path); !all.has(parent); parent = parentOf(parent)) all.set(parent, impliedFolder);
  }
  if (!all.has('')) all.set('', impliedFolder);

  const firstName = new Map<Inode, ByteString>();
  const tree = [...all.keys()].toSorted(byBytes).map((path): TreeEntry => {
    const inode = all.get(path) as Inode;
    if (inode.type === 'dir') return { path, ...inode };
    const target = firstName.get(inode);
    if (target !== undefined) return { path, type: 'hardlink', target };
    firstName.set(inode, path);
    return { path, ...inode };
  });
  checkTree(tree);
  return tree;
}

/** Trees never change, so one that was checked stays good. */
const checked = new WeakSet<Tree>();

/** Throws INVALID_CONFIG unless every invariant above holds. */
export function checkTree(tree: Tree): void {
  if (checked.has(tree)) return;
  if (tree.length > ENTRIES_MAX) throw bad(`more than ${ENTRIES_MAX} entries`);
  if (tree[0]?.path !== '' || tree[0].type !== 'dir') throw bad('the root folder is missing');
  const types = new Map<ByteString, TreeEntry['type']>();
  let before: ByteString | undefined;
  for (const entry of tree) {
    checkPlace(entry.path);
    if (before !== undefined && entry.path <= before) throw bad(`'${shown(entry.path)}' is out of order`);
    before = entry.path;
    const parent = entry.path === '' ? 'dir' : types.get(parentOf(entry.path));
    if (parent !== 'dir') throw bad(`'${shown(entry.path)}' lies in what is not a folder`);
    if (entry.type === 'hardlink') {
      const target = types.get(entry.target);
      if (target === undefined || target === 'dir' || target === 'hardlink') {
        throw bad(`'${shown(entry.path)}' links to '${shown(entry.target)}', which is not a file before it`);
      }
    }
    checkOverlay(entry);
    if (entry.type === 'symlink' && !isLinkTarget(entry.target)) {
      throw bad(`the target of '${shown(entry.path)}' is empty, too long or holds a NUL byte`);
    }
    types.set(entry.path, entry.type);
  }
  checked.add(tree);
}

/**
 * An overlay obeys these, so an image that has them would steer it: hide files, or show others in their place.
 * Attributes of `user.overlay` are not obeyed (they need a mount option that is never given) and may stay.
 */
function checkOverlay(entry: TreeEntry): void {
  if (entry.type === 'hardlink') return;
  if (entry.type === 'chardev' && entry.major === 0 && entry.minor === 0) {
    throw bad(`'${shown(entry.path)}' is the character device 0:0, by which an overlay marks what was deleted`);
  }
  const name = Object.keys(entry.xattrs ?? {}).find((each) => each.startsWith(OVERLAY_XATTRS));
  if (name !== undefined) throw bad(`'${shown(entry.path)}' has the attribute '${shown(name)}', which is an overlay's`);
}

/** The last name of a path, and the path as a whole. All names before it are those of its parent. */
function checkPlace(path: ByteString): void {
  if (path === '') return;
  if (path.length > PATH_BYTES_MAX) throw bad('a path is longer than 4095 bytes');
  if (path.includes('\0')) throw bad(`'${shown(path)}' holds a NUL byte`);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name === '.' || name === '..' || path.startsWith('/')) {
    throw bad(`'${shown(path)}' is not a plain relative path`);
  }
  if (name.length > NAME_BYTES_MAX) throw bad(`a name in '${shown(path).slice(0, 80)}…' is longer than 255 bytes`);
}

/** Any text will do: links are kept as they are and never followed here. */
const isLinkTarget = (target: ByteString): boolean =>
  target.length > 0 && target.length <= PATH_BYTES_MAX && !target.includes('\0');

/** Every distinct content the tree needs, with its size. */
export function contentsOf(tree: Tree): Map<Digest, number> {
  const contents = new Map<Digest, number>();
  for (const entry of tree) if (entry.type === 'file') contents.set(entry.digest, entry.sizeBytes);
  return contents;
}

export const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

const byBytes = (a: ByteString, b: ByteString): number => (a < b ? -1 : a > b ? 1 : 0);

const bad = (what: string): VoltError => new VoltError('INVALID_CONFIG', `Bad file tree: ${what}`);

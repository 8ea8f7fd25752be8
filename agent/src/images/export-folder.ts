/** One folder of an image, for a volume that is put in its place. */
import {
  type ByteString,
  decodeTree,
  fromText,
  type Inode,
  makeTree,
  type Tree,
  type TreeEntry,
} from '../store/index.ts';
import { exportTree, type TreeExport } from './export-tar.ts';

/** As the kernel has it. */
const LINKS_MAX = 40;

/** Its files as a tar archive. Undefined where the image has no folder of that path, links within it followed. */
export function exportFolder({ store, tree, signal }: TreeExport, path: string): AsyncGenerator<Buffer> | undefined {
  const folder = folderOf(decodeTree(store.objects.read(tree)), fromText(path));
  return folder === undefined ? undefined : exportTree({ store, tree: folder, signal });
}

/** The tree below a path of another tree. Pure. */
export function folderOf(tree: Tree, path: ByteString): Tree | undefined {
  const entries = new Map(tree.map((entry) => [entry.path, entry]));
  const found = resolve(entries, path);
  if (found === undefined) return undefined;
  const below = found === '' ? '' : `${found}/`;
  const inodes = new Map<ByteString, Inode>();
  // The names of one file share an inode, also where its first name is outside.
  const shared = new Map<ByteString, Inode>();
  for (const entry of tree) {
    if (entry.path !== found && !entry.path.startsWith(below)) continue;
    const named = entry.type === 'hardlink' ? entries.get(entry.target) : entry;
    // Devices are of no use in a volume, which cannot hold them.
    if (named === undefined || named.type === 'hardlink' || named.type === 'chardev' || named.type === 'blockdev')
      continue;
    const { path: first, ...inode } = named;
    if (!shared.has(first)) shared.set(first, inode);
    inodes.set(entry.path === found ? '' : entry.path.slice(below.length), shared.get(first)!);
  }
  return makeTree(inodes);
}

/** Where a path leads within the tree, which no link leaves. */
function resolve(entries: ReadonlyMap<ByteString, TreeEntry>, path: ByteString): ByteString | undefined {
  let at: ByteString = '';
  let links = 0;
  const left = path.split('/').toReversed();
  while (left.length > 0) {
    const name = left.pop()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.slice(0, Math.max(at.lastIndexOf('/'), 0));
      continue;
    }
    const next: ByteString = at === '' ? name : `${at}/${name}`;
    const entry = entries.get(next);
    if (entry?.type === 'dir') {
      at = next;
    } else if (entry?.type === 'symlink' && ++links <= LINKS_MAX) {
      if (entry.target.startsWith('/')) at = '';
      left.push(...entry.target.split('/').toReversed());
    } else {
      return undefined;
    }
  }
  return at;
}

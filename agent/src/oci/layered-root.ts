/**
 * A root file system as layers make it: each layer adds, replaces and removes
 * names of those below it. A pure fold in memory: nothing is unpacked, so a
 * name in an archive can reach nothing but this tree.
 *
 * Rules, which are those of the OCI image specification where it has any:
 * - a removal (`.wh.NAME`, `.wh..wh..opq`) hides what lower layers put there
 *   and never what its own layer did, in whatever order the two come
 * - a folder over a folder keeps what is in it; anything else replaces
 * - an entry below a symbolic link of a LOWER layer goes where the link leads
 *   inside of this root, as when layers are unpacked one after the other;
 *   below a link of its own layer it is refused: that is how archives try to
 *   reach outside
 */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, ENTRIES_MAX, type Inode, shown } from '../store/index.ts';

/** As in Linux. */
const LINKS_FOLLOWED_MAX = 40;

/** A folder that nobody described and that is empty by now. */
export const impliedFolder: Inode = { type: 'dir', mode: 0o755, uid: 0, gid: 0, mtime: '0' };

interface Node {
  readonly parent: Node | undefined;
  /** Undefined for a folder that is only implied by what is in it. */
  inode: Inode | undefined;
  /** Of a folder, by name. */
  children: Map<ByteString, Node> | undefined;
  /** The last layer that put this itself. */
  putBy: number;
  /** The last layer that put this, or something below it. */
  touchedBy: number;
  /** The last layer that hid what lower layers put below it. */
  clearedBy: number;
}

export class LayeredRoot {
  readonly #root: Node = {
    parent: undefined,
    inode: undefined,
    children: new Map(),
    putBy: 0,
    touchedBy: 0,
    clearedBy: 0,
  };
  readonly #nodesMax: number;
  #nodes = 1;
  #layer = 0;

  constructor(nodesMax = ENTRIES_MAX) {
    this.#nodesMax = nodesMax;
  }

  /** Everything from here on is of the next layer. */
  beginLayer(): void {
    this.#layer++;
  }

  /** Paths are relative and plain: no `.`, `..`, or doubled slash; '' is the root. */
  put(path: ByteString, inode: Inode): void {
    const { parent, name } = this.#place(path);
    const node = parent === undefined ? this.#root : parent.children?.get(name);
    if (node === undefined) this.#add(parent as Node, name, inode);
    else this.#replace(node, inode, path);
  }

  /** One more name for a file that is there, whichever layer put it. */
  link(path: ByteString, target: ByteString): void {
    const inode = this.#find(target)?.inode;
    if (inode === undefined || inode.type === 'dir') {
      throw bad(`'${shown(path)}' is a hard link to '${shown(target)}', which is not a file before it`);
    }
    this.put(path, inode);
  }

  /** Hides a name of lower layers. */
  remove(path: ByteString): void {
    const node = this.#find(path);
    if (node?.parent === undefined) return;
    this.#hide(node, node.parent, path.slice(path.lastIndexOf('/') + 1));
  }

  /** Hides all that lower layers put below a folder. */
  clear(path: ByteString): void {
    const node = this.#find(path);
    if (node !== undefined) this.#clear(node);
  }

  /**
   * Every name that is left, but not folders that nobody described and that
   * have something in them. Two names with one inode are hard links.
   */
  inodes(): Map<ByteString, Inode> {
    const all = new Map<ByteString, Inode>();
    const walk = (node: Node, path: ByteString): void => {
      if (node.inode !== undefined) all.set(path, node.inode);
      else if (node.children?.size === 0 && node.parent !== undefined) all.set(path, impliedFolder);
      for (const [name, child] of node.children ?? []) walk(child, path === '' ? name : `${path}/${name}`);
    };
    walk(this.#root, '');
    return all;
  }

  #add(parent: Node, name: ByteString, inode: Inode | undefined): Node {
    if (++this.#nodes > this.#nodesMax) throw bad(`it has more than ${this.#nodesMax} files and folders`);
    const isFolder = inode === undefined || inode.type === 'dir';
    const children = isFolder ? new Map<ByteString, Node>() : undefined;
    const node: Node = { parent, inode, children, putBy: this.#layer, touchedBy: this.#layer, clearedBy: 0 };
    parent.children?.set(name, node);
    this.#touch(parent);
    return node;
  }

  #replace(node: Node, inode: Inode, path: ByteString): void {
    if (inode.type === 'dir') {
      node.children ??= new Map();
    } else {
      if (node.parent === undefined) throw bad('its root is not a folder');
      for (const child of node.children?.values() ?? []) {
        if (child.touchedBy === this.#layer)
          throw bad(`'${shown(path)}' is a folder with contents, and then it is not`);
      }
      node.children = undefined;
    }
    node.inode = inode;
    node.putBy = this.#layer;
    this.#touch(node);
  }

  #touch(node: Node): void {
    for (let at: Node | undefined = node; at !== undefined && at.touchedBy !== this.#layer; at = at.parent) {
      at.touchedBy = this.#layer;
    }
  }

  /** Each node is visited once in a layer, however often its folder is cleared. */
  #clear(folder: Node): void {
    if (folder.clearedBy === this.#layer || folder.children === undefined) return;
    folder.clearedBy = this.#layer;
    for (const [name, child] of folder.children) this.#hide(child, folder, name);
  }

  #hide(node: Node, parent: Node, name: ByteString): void {
    if (node.touchedBy < this.#layer) {
      parent.children?.delete(name);
      return;
    }
    // A folder that this layer only put something into.
    if (node.putBy < this.#layer) node.inode = undefined;
    this.#clear(node);
  }

  /** Where a path lies, made of implied folders as far as it is not there. No parent for the root. */
  #place(path: ByteString): { parent: Node | undefined; name: ByteString } {
    const names = path.split('/');
    const name = names.pop() ?? '';
    if (path === '') return { parent: undefined, name };
    const parent = this.#folder(names, path, (folder, missing) => this.#add(folder, missing, undefined));
    return { parent, name };
  }

  #find(path: ByteString): Node | undefined {
    if (path === '') return this.#root;
    const names = path.split('/');
    const name = names.pop() ?? '';
    return this.#folder(names, path, () => undefined)?.children?.get(name);
  }

  /** The folder that names lead to, one after the other; `make` says what stands for one that is missing. */
  #folder(
    names: readonly ByteString[],
    path: ByteString,
    make: (folder: Node, name: ByteString) => Node | undefined,
  ): Node | undefined {
    const left = names.toReversed();
    let folder = this.#root;
    let followed = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        folder = folder.parent ?? folder;
        continue;
      }
      const child = folder.children?.get(name) ?? make(folder, name);
      if (child === undefined) return undefined;
      if (child.children !== undefined) {
        folder = child;
        continue;
      }
      const target = this.#lowerLink(child, path);
      if (++followed > LINKS_FOLLOWED_MAX) throw bad(`'${shown(path)}' lies behind too many symbolic links`);
      if (target.startsWith('/')) folder = this.#root;
      left.push(...target.split('/').toReversed());
    }
    return folder;
  }

  #lowerLink({ inode, touchedBy }: Node, path: ByteString): ByteString {
    if (inode?.type === 'symlink' && touchedBy < this.#layer) return inode.target;
    const what = inode?.type === 'symlink' ? 'a symbolic link of the same archive' : 'what is not a folder';
    throw bad(`'${shown(path)}' lies in ${what}`);
  }
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

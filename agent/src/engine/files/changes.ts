/**
 * What a container changed of its image, told from what its overlay holds on
 * top of the image's tree. Pure.
 *
 * overlayfs says by marks what is not there any more, or comes from elsewhere:
 * a character device 0:0 (or `whiteout`) for something deleted, `opaque` on a
 * folder that hides all that was below it, `redirect` on a folder that was
 * renamed and whose contents are still those of its old place.
 */
import type { FileChange } from '@volt/shared/rpc';
import { type ByteString, shown, type Tree } from '../../store/index.ts';
import type { TarEntry, TarType } from '../../tar/index.ts';

type Upper = Pick<TarEntry, 'name' | 'type' | 'major' | 'minor' | 'xattrs'>;

/** A folder as it is seen inside: what is above it, and where below it comes from. */
interface Folder {
  readonly path: ByteString;
  /** Undefined where nothing of the image shows through. */
  readonly lower: ByteString | undefined;
}

const OVERLAY = 'trusted.overlay.';

/** A path of bytes, not as a terminal may see it. */
export interface RawChange {
  readonly change: FileChange['change'];
  readonly path: ByteString;
}

/** Folders before what is in them, and all of that right after. */
export function rawChangesOf(tree: Tree, upper: readonly Upper[]): RawChange[] {
  return new Comparison(tree, upper).changes();
}

export const shownChange = ({ change, path }: RawChange): FileChange => ({ change, path: `/${shown(path)}` });

class Comparison {
  readonly #types: ReadonlyMap<ByteString, TarType>;
  readonly #lowerNames: ReadonlyMap<ByteString, readonly ByteString[]>;
  readonly #upper: ReadonlyMap<ByteString, Upper>;
  readonly #upperNames: ReadonlyMap<ByteString, readonly ByteString[]>;
  readonly #found: RawChange[] = [];

  constructor(tree: Tree, upper: readonly Upper[]) {
    this.#types = new Map(tree.map(({ path, type }) => [path, type]));
    this.#lowerNames = byFolder(tree.map(({ path }) => path));
    this.#upper = new Map(upper.map((one) => [one.name, one]));
    this.#upperNames = byFolder(upper.map(({ name }) => name));
  }

  changes(): RawChange[] {
    this.#compare({ path: '', lower: '' });
    const key = ({ path }: RawChange) => path.replaceAll('/', '\0');
    return this.#found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** A folder that the container has something in. */
  #compare(folder: Folder): void {
    const names = this.#upperNames.get(folder.path) ?? [];
    for (const name of names) this.#upperEntry(folder, name);
    const own = new Set(names);
    // Of what shows through, only that is news which was elsewhere.
    if (folder.lower !== undefined && folder.lower !== folder.path) {
      for (const name of this.#lowerNames.get(folder.lower) ?? []) {
        if (!own.has(name)) this.#moved({ path: join(folder.path, name), lower: join(folder.lower, name) });
      }
    }
    if (folder.lower === folder.path) return;
    // What the image has at this place is hidden, but where it is there again.
    for (const name of this.#lowerNames.get(folder.path) ?? []) {
      const isShown = folder.lower !== undefined && this.#types.has(join(folder.lower, name));
      if (!own.has(name) && !isShown) this.#tell('D', join(folder.path, name));
    }
  }

  #upperEntry(folder: Folder, name: ByteString): void {
    const path = join(folder.path, name);
    const entry = this.#upper.get(path)!;
    const before = this.#types.get(path);
    if (isDeletion(entry)) {
      if (before !== undefined) this.#tell('D', path);
      return;
    }
    this.#tell(before === undefined ? 'A' : 'C', path);
    if (entry.type === 'dir') this.#compare({ path, lower: this.#lowerOf(folder, name, entry) });
    else if (before === 'dir') this.#hidden(path);
  }

  /** Where the folder's contents that the container has not touched are. */
  #lowerOf(folder: Folder, name: ByteString, { xattrs }: Upper): ByteString | undefined {
    if (xattrs.get(`${OVERLAY}opaque`) === 'y') return undefined;
    const redirect = xattrs.get(`${OVERLAY}redirect`);
    if (redirect?.startsWith('/') === true) return this.#folderAt(redirect.slice(1));
    return folder.lower === undefined ? undefined : this.#folderAt(join(folder.lower, redirect ?? name));
  }

  #folderAt(path: ByteString): ByteString | undefined {
    return this.#types.get(path) === 'dir' ? path : undefined;
  }

  /** All that came along when a folder above was given another name. */
  #moved({ path, lower }: { path: ByteString; lower: ByteString }): void {
    this.#tell(this.#types.has(path) ? 'C' : 'A', path);
    for (const name of this.#lowerNames.get(lower) ?? []) {
      this.#moved({ path: join(path, name), lower: join(lower, name) });
    }
  }

  /** What was in a folder that is none any more. */
  #hidden(path: ByteString): void {
    for (const name of this.#lowerNames.get(path) ?? []) this.#tell('D', join(path, name));
  }

  #tell(change: FileChange['change'], path: ByteString): void {
    this.#found.push({ change, path });
  }
}

const isDeletion = ({ type, major, minor, xattrs }: Upper): boolean =>
  (type === 'chardev' && major === 0 && minor === 0) || xattrs.has(`${OVERLAY}whiteout`);

const join = (folder: ByteString, name: ByteString): ByteString => (folder === '' ? name : `${folder}/${name}`);

function byFolder(paths: readonly ByteString[]): Map<ByteString, ByteString[]> {
  const found = new Map<ByteString, ByteString[]>();
  for (const path of paths) {
    if (path === '') continue;
    const slash = path.lastIndexOf('/');
    const folder = slash === -1 ? '' : path.slice(0, slash);
    const names = found.get(folder);
    if (names === undefined) found.set(folder, [path.slice(slash + 1)]);
    else names.push(path.slice(slash + 1));
  }
  return found;
}

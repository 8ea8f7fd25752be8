/**
 * Lays files out in a folder that nobody else can reach. What is asked for may
 * come from an archive that means harm: names only ever lead through folders
 * that were made here, so that no link of the archive is followed.
 */
import * as fs from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import type { SpecialFiles } from '../host/index.ts';
import { type ByteString, ENTRIES_MAX, fsPath, shown, textOf } from '../store/index.ts';

export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, as a decimal. */
  readonly mtime: string;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

const PATH_BYTES_MAX = 3500;
const ID_MAX = 0xffff_fffe;
const SECONDS_MAX = 2 ** 33;
const DEFAULT_FOLDER: Metadata = { mode: 0o755, uid: 0, gid: 0, mtime: '0', xattrs: new Map() };

/** Attributes that are about the files. Those of security modules and of overlays are about a machine. */
const KEPT_XATTRS = /^(?:user\.(?!overlay\.)|security\.capability$|system\.posix_acl_)/;
export const isKeptXattr = (name: string): boolean => KEPT_XATTRS.test(name);

export class Builder {
  readonly #root: string;
  readonly #specials: SpecialFiles;
  readonly #folders = new Map<ByteString, Metadata | undefined>([['', undefined]]);
  #entries = 0;

  /** `root` is an empty folder. */
  constructor(root: string, specials: SpecialFiles) {
    this.#root = root;
    this.#specials = specials;
  }

  get entries(): number {
    return this.#entries;
  }

  folder(path: ByteString, metadata: Metadata): void {
    this.#prepare(path, metadata);
    if (!this.#folders.has(path)) this.#makeFolder(path);
    this.#folders.set(path, metadata);
  }

  /** `write` is given the file, empty and open. */
  async file(path: ByteString, metadata: Metadata, write: (fd: number) => Promise<void>): Promise<void> {
    this.#prepare(path, metadata);
    const at = fsPath(this.#root, path);
    const fd = this.#make(path, () => fs.openSync(at, 'wx', 0o600));
    try {
      await write(fd);
      fs.fchownSync(fd, metadata.uid, metadata.gid);
      fs.fchmodSync(fd, metadata.mode);
      this.#setXattrs(path, metadata);
      fs.futimesSync(fd, Number(metadata.mtime), Number(metadata.mtime));
    } finally {
      fs.closeSync(fd);
    }
  }

  symlink(path: ByteString, target: ByteString, metadata: Metadata): void {
    this.#prepare(path, metadata);
    if (target === '') throw bad(`'${shown(path)}' is a link to nothing`);
    const at = fsPath(this.#root, path);
    this.#make(path, () => fs.symlinkSync(Buffer.from(target, 'latin1'), at));
    fs.lchownSync(at, metadata.uid, metadata.gid);
    fs.lutimesSync(at, Number(metadata.mtime), Number(metadata.mtime));
  }

  /** One more name of a file that was made here. */
  link(path: ByteString, target: ByteString): void {
    this.#count(path);
    this.#prepareParent(path);
    if (!this.#folders.has(parentOf(target))) throw bad(`'${shown(path)}' links to what is not there`);
    const from = fsPath(this.#root, target);
    const stat = fs.lstatSync(from, { throwIfNoEntry: false });
    if (stat === undefined || stat.isDirectory()) throw bad(`'${shown(path)}' links to what is not there`);
    if (path !== target) this.#make(path, () => fs.linkSync(from, fsPath(this.#root, path)));
  }

  fifo(path: ByteString, metadata: Metadata): void {
    this.#prepare(path, metadata);
    const at = fsPath(this.#root, path);
    this.#make(path, () => this.#specials.makeNode(Buffer.from(at), { type: 'fifo' }));
    fs.lchownSync(at, metadata.uid, metadata.gid);
    fs.chmodSync(at, metadata.mode);
    fs.utimesSync(at, Number(metadata.mtime), Number(metadata.mtime));
  }

  /** Folders last and from the leaves up: every name made in one changes its time. */
  finish(): void {
    for (const [path, metadata] of [...this.#folders].toSorted(([a], [b]) => (a < b ? 1 : -1))) {
      if (metadata === undefined) continue;
      const at = fsPath(this.#root, path);
      fs.chownSync(at, metadata.uid, metadata.gid);
      fs.chmodSync(at, metadata.mode);
      this.#setXattrs(path, metadata);
      fs.utimesSync(at, Number(metadata.mtime), Number(metadata.mtime));
    }
  }

  #prepare(path: ByteString, { uid, gid, mtime, xattrs }: Metadata): void {
    this.#count(path);
    if (!(uid <= ID_MAX && gid <= ID_MAX)) throw bad(`the owner of '${shown(path)}' is out of range`);
    if (!(Math.abs(Number(mtime)) <= SECONDS_MAX)) throw bad(`the time of '${shown(path)}' is malformed`);
    for (const name of xattrs.keys()) {
      const text = textOf(name);
      if (text === undefined || text.includes('\0')) throw bad(`an attribute of '${shown(path)}' has no proper name`);
      // Whose security module this is about is another machine's.
      if (!isKeptXattr(text) && text !== 'security.selinux') {
        throw bad(`'${shown(path)}' has the attribute '${shown(name)}', which a volume cannot hold`);
      }
    }
    if (path !== '') this.#prepareParent(path);
  }

  #count(path: ByteString): void {
    if (++this.#entries > ENTRIES_MAX) throw bad(`it has more than ${ENTRIES_MAX} entries`);
    if (path.length > PATH_BYTES_MAX) throw bad(`the path '${shown(path.slice(0, 80))}…' is too long`);
  }

  /** Folders that are only implied are made. */
  #prepareParent(path: ByteString): void {
    const parent = parentOf(path);
    if (this.#folders.has(parent)) return;
    this.#prepareParent(parent);
    this.#makeFolder(parent);
    this.#folders.set(parent, DEFAULT_FOLDER);
  }

  /** Nothing but a folder is ever in the place of one, so that no name leads through a link. */
  #makeFolder(path: ByteString): void {
    try {
      fs.mkdirSync(fsPath(this.#root, path), 0o700);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      throw bad(`'${shown(path)}' is a folder, and something else`);
    }
  }

  /** Of two entries of one name the later one holds. */
  #make<T>(path: ByteString, act: () => T): T {
    if (this.#folders.has(path)) throw bad(`'${shown(path)}' is a folder, and something else`);
    try {
      return act();
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    }
    fs.unlinkSync(fsPath(this.#root, path));
    return act();
  }

  /** After owners: changing an owner takes a file's capabilities away. */
  #setXattrs(path: ByteString, { xattrs }: Metadata): void {
    const at = Buffer.from(fsPath(this.#root, path));
    for (const [name, value] of xattrs) {
      if (name === 'security.selinux') continue;
      this.#specials.setXattr(at, textOf(name)!, Buffer.from(value, 'latin1'));
    }
  }
}

export const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

export const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

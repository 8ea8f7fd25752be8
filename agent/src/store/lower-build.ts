/**
 * Lays out one tree. A file is a hard link to its object where the two can
 * share mode, owner and time, and a copy (a reflink where the file system has
 * them) elsewhere; docs/decisions/0004-store-first-version.md has the reasons
 * and the numbers.
 *
 * Blocking calls in short runs: measured 1.1 to 1.8 times as fast as the
 * thread pool on two cores, and they leave it to others.
 */
import * as fs from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import { fsName, fsPath, shown } from './byte-string.ts';
import { errnoOf } from './fs-errors.ts';
import { makeNodes, setXattrs } from './lower-specials.ts';
import type { Objects } from './objects.ts';
import type { SpecialFiles } from '../host/index.ts';
import type { FileEntry, Metadata, Tree, TreeEntry } from './tree.ts';

/** Entries between two breaths of the event loop: some 5 ms. */
const ENTRIES_AT_ONCE = 256;

/** Node sets times through microseconds. */
const MTIME_TOLERANCE_MS = 0.002;

export interface LowerBuild {
  readonly tree: Tree;
  /** Must not exist. */
  readonly rootfs: string;
  readonly objects: Objects;
  readonly specials: SpecialFiles;
}

export interface LowerBuilt {
  readonly linked: number;
  readonly copied: number;
}

export async function buildLower(build: LowerBuild): Promise<LowerBuilt> {
  const { tree, rootfs, objects, specials } = build;
  const counts = { linked: 0, copied: 0 };
  for (const [index, entry] of tree.entries()) {
    if (index % ENTRIES_AT_ONCE === ENTRIES_AT_ONCE - 1) await breath();
    const path = fsPath(rootfs, entry.path);
    const how = place(entry, path, { rootfs, objects });
    if (how === 'linked') counts.linked++;
    if (how === 'copied') counts.copied++;
  }
  makeNodes(tree, rootfs, specials);
  setXattrs(tree, rootfs, specials);
  // Last and from the leaves up: every name made in a folder changes its time.
  for (const entry of tree.toReversed()) if (entry.type === 'dir') dress(fsPath(rootfs, entry.path), entry);
  return counts;
}

type Placed = 'linked' | 'copied' | 'made' | 'later';

function place(
  entry: TreeEntry,
  path: string | Buffer,
  { rootfs, objects }: { rootfs: string; objects: Objects },
): Placed {
  switch (entry.type) {
    case 'dir':
      fs.mkdirSync(path, 0o700);
      return 'made';
    case 'file':
      return placeFile(entry, path, objects);
    case 'symlink':
      fs.symlinkSync(fsName(entry.target), path);
      fs.lchownSync(path, entry.uid, entry.gid);
      fs.lutimesSync(path, Number(entry.mtime), Number(entry.mtime));
      return 'made';
    case 'hardlink':
      fs.linkSync(fsPath(rootfs, entry.target), path);
      return 'made';
    case 'chardev':
    case 'blockdev':
    case 'fifo':
      return 'later';
  }
}

function placeFile(entry: FileEntry, path: string | Buffer, objects: Objects): Placed {
  if (entry.sizeBytes === 0) {
    // All empty files are one object; sharing it would only run into the limit of links to a file.
    fs.closeSync(fs.openSync(path, 'wx', 0o600));
    dress(path, entry);
    return 'made';
  }
  const object = objects.pathOf(entry.digest);
  const there = fs.statSync(object, { throwIfNoEntry: false });
  if (there?.size !== entry.sizeBytes) throw unusable(entry, there === undefined ? 'missing' : 'damaged');
  // Attributes cannot be read back to compare, so a file that has some is never shared.
  if (entry.xattrs === undefined && (isDressed(there, entry) || adopt(object, there, entry))) {
    if (link(object, path)) return 'linked';
  }
  fs.copyFileSync(object, path, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
  dress(path, entry);
  return 'copied';
}

/** An object nobody links to takes the metadata of its first user. */
function adopt(object: string, there: fs.Stats, entry: FileEntry): boolean {
  if (there.nlink !== 1) return false;
  dress(object, entry);
  return true;
}

/** False where the file system allows no more links to this file. */
function link(object: string, path: string | Buffer): boolean {
  try {
    fs.linkSync(object, path);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'EMLINK') return false;
    throw thrown;
  }
}

function isDressed(there: fs.Stats, wanted: Metadata): boolean {
  return (
    (there.mode & 0o7777) === wanted.mode &&
    there.uid === wanted.uid &&
    there.gid === wanted.gid &&
    Math.abs(there.mtimeMs - Number(wanted.mtime) * 1000) <= MTIME_TOLERANCE_MS
  );
}

/** Owner first: changing it clears the setuid bit. */
function dress(path: string | Buffer, { uid, gid, mode, mtime }: Metadata): void {
  fs.chownSync(path, uid, gid);
  fs.chmodSync(path, mode);
  fs.utimesSync(path, Number(mtime), Number(mtime));
}

const unusable = (entry: FileEntry, how: string): VoltError =>
  new VoltError('DEPENDENCY', `Object ${entry.digest} ('${shown(entry.path)}') is ${how}`, {
    hint: 'pull or import the image again',
  });

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

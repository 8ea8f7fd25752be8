/**
 * Lays out one tree, in one of three ways (lower-way.ts). Of hard links, a file
 * is a link to its object where the two can share mode, owner and time, and a
 * copy (a reflink where the file system has them) elsewhere. The reasons and
 * the numbers are in docs/decisions/0004-store-first-version.md and
 * docs/decisions/0010-the-whole-store.md.
 *
 * Blocking calls in short runs: measured 1.1 to 1.8 times as fast as the
 * thread pool on two cores, and they leave it to others.
 */
import * as fs from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import { fsName, fsPath, shown } from './byte-string.ts';
import { errnoOf } from './fs-errors.ts';
import { placeRedirect } from './lower-redirect.ts';
import { makeNodes, setXattrs } from './lower-specials.ts';
import type { LowerWay } from './lower-way.ts';
import type { Objects } from './objects.ts';
import type { SpecialFiles } from '../host/index.ts';
import type { FileEntry, Metadata, Tree, TreeEntry } from './tree.ts';

/** Between two breaths of the event loop. */
const BLOCKING_MS_MAX = 5;

/** Node sets times through microseconds. */
const MTIME_TOLERANCE_MS = 0.002;

export interface LowerBuild {
  readonly tree: Tree;
  readonly way: LowerWay;
  /** Must not exist. The folder it is in must not hand its group down. */
  readonly rootfs: string;
  readonly objects: Objects;
  readonly specials: SpecialFiles;
}

export async function buildLower(build: LowerBuild): Promise<void> {
  const { tree, rootfs, specials } = build;
  let since = performance.now();
  for (const entry of tree) {
    if (performance.now() - since > BLOCKING_MS_MAX) {
      await breath();
      since = performance.now();
    }
    place(entry, fsPath(rootfs, entry.path), build);
  }
  makeNodes(tree, rootfs, specials);
  setXattrs(tree, rootfs, specials);
  // Last and from the leaves up: every name made in a folder changes its time.
  for (const entry of tree.toReversed()) if (entry.type === 'dir') dress(fsPath(rootfs, entry.path), entry);
}

function place(entry: TreeEntry, path: string | Buffer, build: LowerBuild): void {
  switch (entry.type) {
    case 'dir':
      return fs.mkdirSync(path, 0o700);
    case 'file':
      return placeFile(entry, path, build);
    case 'symlink':
      fs.symlinkSync(fsName(entry.target), path);
      fs.lchownSync(path, entry.uid, entry.gid);
      return fs.lutimesSync(path, Number(entry.mtime), Number(entry.mtime));
    case 'hardlink':
      return fs.linkSync(fsPath(build.rootfs, entry.target), path);
    case 'chardev':
    case 'blockdev':
    case 'fifo':
      return;
  }
}

function placeFile(entry: FileEntry, path: string | Buffer, { objects, way, specials }: LowerBuild): void {
  if (entry.sizeBytes === 0) {
    // All empty files are one object; sharing it would only run into the limit of links to a file.
    fs.closeSync(fs.openSync(path, 'wx', 0o600));
    return dress(path, entry);
  }
  const object = objects.pathOf(entry.digest);
  const there = fs.statSync(object, { throwIfNoEntry: false });
  if (there?.size !== entry.sizeBytes) throw unusable(entry, there === undefined ? 'missing' : 'damaged');
  if (way === 'redirect') return placeRedirect(entry, path, specials);
  if (way === 'hardlink' && canShare(object, there, entry) && link(object, path)) return;
  fs.copyFileSync(object, path, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
  dress(path, entry);
}

/** Attributes cannot be read back to compare, so a file that has some is never shared. */
const canShare = (object: string, there: fs.Stats, entry: FileEntry): boolean =>
  entry.xattrs === undefined && (isDressed(there, entry) || adopt(object, there, entry));

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

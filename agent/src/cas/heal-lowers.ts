/**
 * Lowers of hard links share the inode of an object, and so its damage. When
 * an object has been replaced, their names are moved to the new inode, one by
 * one and each in one step. What runs may keep the old file open, and sees the
 * new one when it opens it again, at the latest after its next start.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { type Digest, fsPath, type Store, uniqueName } from '../store/index.ts';
import { fileLines } from './lines.ts';

/** What an object was before it was replaced. */
export interface OldInode {
  readonly inode: number;
  readonly stats: fs.Stats;
}

export function oldInodeOf(store: Store, digest: Digest): OldInode | undefined {
  const stats = fs.lstatSync(store.objects.pathOf(digest), { throwIfNoEntry: false });
  return stats && { inode: stats.ino, stats };
}

/** Resolves with how many files now have the new contents. */
export async function healLowers(
  store: Store,
  replaced: ReadonlyMap<Digest, OldInode>,
  signal: AbortSignal,
): Promise<number> {
  const shared = new Map([...replaced].filter(([, { stats }]) => stats.nlink > 1));
  if (shared.size === 0) return 0;
  for (const [digest, old] of shared) dressLike(store.objects.pathOf(digest), old.stats);
  let files = 0;
  for (const tree of store.lowers.list()) {
    signal.throwIfAborted();
    const object = await store.objects.open(tree);
    if (object === undefined) continue;
    const rootfs = store.lowers.pathOf(tree);
    for await (const { path, digest } of fileLines(object.chunks, (one) => shared.has(one))) {
      const old = shared.get(digest) as OldInode;
      if (relink({ object: store.objects.pathOf(digest), name: fsPath(rootfs, path), old, rootfs })) files++;
    }
  }
  return files;
}

/** All names of the old inode had its mode, owner and time, and will have those of the new one. */
function dressLike(path: string, { uid, gid, mode, mtimeMs }: fs.Stats): void {
  fs.chownSync(path, uid, gid);
  fs.chmodSync(path, mode & 0o7777);
  fs.utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
}

interface Relink {
  readonly object: string;
  readonly name: string | Buffer;
  readonly old: OldInode;
  readonly rootfs: string;
}

/** False where the name has another inode: a copy, or nothing. */
function relink({ object, name, old, rootfs }: Relink): boolean {
  if (fs.lstatSync(name, { throwIfNoEntry: false })?.ino !== old.inode) return false;
  const folder = typeof name === 'string' ? dirname(name) : name.subarray(0, name.lastIndexOf(0x2f));
  const before = fs.statSync(folder);
  const staging = uniqueName(dirname(rootfs), 'healed');
  fs.linkSync(object, staging);
  try {
    fs.renameSync(staging, name);
  } catch (thrown) {
    fs.rmSync(staging, { force: true });
    throw thrown;
  }
  fs.utimesSync(folder, before.mtimeMs / 1000, before.mtimeMs / 1000);
  return true;
}

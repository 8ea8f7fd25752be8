/** What the kernel says of a file, in the words of a tree. */
import { type BigIntStats, readlinkSync } from 'node:fs';
import type { Xattrs } from '../host/index.ts';
import type { Kind, Metadata } from '../store/index.ts';
import type { Found } from './walk.ts';

const NANOSECONDS = 1_000_000_000n;
const MODE_BITS = 0o7777n;

/** Whether a tree can hold it: sockets are nothing without who made them. */
export const isStored = (stats: BigIntStats): boolean => !stats.isSocket();

/** Without `xattrs` it is known to have none. */
export function metadataOf({ at, stats }: Found, xattrs: Xattrs | undefined): Metadata {
  const { mode, uid, gid, mtimeNs } = stats;
  const attributes = xattrs?.read(Buffer.from(at));
  return {
    mode: Number(mode & MODE_BITS),
    uid: Number(uid),
    gid: Number(gid),
    mtime: spellTime(mtimeNs),
    ...(attributes && { xattrs: attributes }),
  };
}

/** Seconds with as many places as it takes. */
export function spellTime(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const places = String(size % NANOSECONDS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${size / NANOSECONDS}${places && `.${places}`}`;
}

/** Of whatever is no plain file. Throws the file system's error where it is gone or became something else. */
export function kindOf({ at, stats }: Found): Kind {
  if (stats.isSymbolicLink()) return { type: 'symlink', target: readlinkSync(at, { encoding: 'latin1' }) };
  if (stats.isFIFO()) return { type: 'fifo' };
  if (stats.isCharacterDevice()) return { type: 'chardev', ...deviceOf(stats.rdev) };
  if (stats.isBlockDevice()) return { type: 'blockdev', ...deviceOf(stats.rdev) };
  return { type: 'dir' };
}

/** As glibc's makedev packs them, within what a tree allows. */
const deviceOf = (device: bigint): { major: number; minor: number } => ({
  major: Number((device >> 8n) & 0xfffn),
  minor: Number((device & 0xffn) | ((device >> 12n) & 0xfff00n)),
});

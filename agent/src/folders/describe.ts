/** What the kernel says of a file, in the words of a tree. */
import { type BigIntStats, readlinkSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import type { Xattrs } from '../host/index.ts';
import { type Kind, type Metadata, shown } from '../store/index.ts';
import type { Found } from './walk.ts';

const NANOSECONDS = 1_000_000_000n;
const MODE_BITS = 0o7777n;

/** With these overlayfs takes a file for a deletion or for another one, which must not be an image's choice. */
const OVERLAY_XATTR = /^(?:trusted|user)\.overlay\./;

/** Whether a tree can hold it: sockets are nothing without who made them. */
export const isStored = (stats: BigIntStats): boolean => !stats.isSocket();

/** Without `xattrs` it is known to have none. Throws INVALID_CONFIG for attributes that an overlay would obey. */
export function metadataOf({ path, at, stats }: Found, xattrs: Xattrs | undefined): Metadata {
  const { mode, uid, gid, mtimeNs } = stats;
  const attributes = xattrs?.read(Buffer.from(at));
  if (Object.keys(attributes ?? {}).some((name) => OVERLAY_XATTR.test(name))) {
    throw refused(`'${shown(path)}' carries an attribute of overlayfs`);
  }
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

/**
 * Of whatever is no plain file. Throws the file system's error where it is gone or became something else,
 * INVALID_CONFIG for what an overlay would take for a deletion.
 */
export function kindOf({ path, at, stats }: Found): Kind {
  if (stats.isSymbolicLink()) return { type: 'symlink', target: readlinkSync(at, { encoding: 'latin1' }) };
  if (stats.isFIFO()) return { type: 'fifo' };
  if (stats.isCharacterDevice() && stats.rdev === 0n) {
    throw refused(`'${shown(path)}' is a deletion of overlayfs, not a device`);
  }
  if (stats.isCharacterDevice()) return { type: 'chardev', ...deviceOf(stats.rdev) };
  if (stats.isBlockDevice()) return { type: 'blockdev', ...deviceOf(stats.rdev) };
  return { type: 'dir' };
}

/** As glibc's makedev packs them, within what a tree allows. */
const deviceOf = (device: bigint): { major: number; minor: number } => ({
  major: Number((device >> 8n) & 0xfffn),
  minor: Number((device & 0xffn) | ((device >> 12n) & 0xfff00n)),
});

const refused = (why: string): VoltError =>
  new VoltError('INVALID_CONFIG', `The folder cannot be stored: ${why}`, {
    hint: 'it is the inside of an overlay: store the folder where that is mounted',
  });

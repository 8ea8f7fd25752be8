/** From an entry of an archive to what a tree says of a file, and back. Pure. */
import { VoltError } from '@volt/shared/errors';
import { type Inode, isMtime, type Kind, shown, textOf } from '../store/index.ts';
import type { TarEntry } from '../tar/index.ts';

type Metadata = Pick<Inode, 'mode' | 'uid' | 'gid' | 'mtime' | 'xattrs'>;

/** With these overlayfs takes a file for a deletion or for another one, which must not be an image's choice. */
const OVERLAY_XATTR = /^(?:trusted|user)\.overlay\./;

/** Throws INVALID_CONFIG for what a tree cannot hold, or an image must not. */
export function metadataOf(entry: TarEntry): Metadata {
  const { mode, uid, gid } = entry;
  if (uid > 0xfffffffe || gid > 0xfffffffe) throw bad(`the owner of '${shown(entry.name)}' is out of range`);
  const xattrs = entry.xattrs.size > 0 && { xattrs: toXattrs(entry) };
  return { mode, uid, gid, mtime: toMtime(entry), ...xattrs };
}

/** Of everything but files, whose contents are stored first, and hard links, which have no inode of their own. */
export function kindOf(entry: TarEntry): Kind {
  switch (entry.type) {
    case 'symlink':
      return { type: 'symlink', target: entry.linkName };
    case 'chardev':
    case 'blockdev':
      if (entry.major > 0xfff || entry.minor > 0xfffff)
        throw bad(`the numbers of '${shown(entry.name)}' are out of range`);
      if (entry.type === 'chardev' && entry.major === 0 && entry.minor === 0)
        throw bad(`'${shown(entry.name)}' is a deletion of overlayfs, not a device`);
      return { type: entry.type, major: entry.major, minor: entry.minor };
    case 'dir':
    case 'fifo':
      return { type: entry.type };
    default:
      throw bad(`'${shown(entry.name)}' has no kind of its own`);
  }
}

function toMtime({ mtime, name }: TarEntry): string {
  const [, sign = '', seconds = '', fraction = ''] = /^(-?)0*(\d+)(?:\.(\d*))?$/.exec(mtime) ?? [];
  const places = fraction.slice(0, 9).replace(/0+$/, '');
  const plain = `${sign}${seconds}${places && `.${places}`}`;
  if (!isMtime(plain)) throw bad(`the time of '${shown(name)}' is malformed`);
  return plain === '-0' ? '0' : plain;
}

function toXattrs(entry: TarEntry): Record<string, string> {
  return Object.fromEntries(
    [...entry.xattrs].map(([key, value]) => {
      const name = textOf(key);
      if (name === undefined || name.includes('\0'))
        throw bad(`an attribute of '${shown(entry.name)}' has no proper name`);
      if (OVERLAY_XATTR.test(name)) throw bad(`'${shown(entry.name)}' carries an attribute of overlayfs`);
      return [name, Buffer.from(value, 'latin1').toString('base64')];
    }),
  );
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

/**
 * Files of a redirect tree: as large as the contents and with their metadata,
 * but without a single block of them. Two attributes tell the overlay to take
 * the contents from the folder of objects, which is its data-only layer.
 */
import * as fs from 'node:fs';
import type { SpecialFiles } from '../host/index.ts';
import type { Digest } from './digest.ts';
import { type FileEntry, OVERLAY_XATTRS } from './tree.ts';

const METACOPY = `${OVERLAY_XATTRS}metacopy`;
const REDIRECT = `${OVERLAY_XATTRS}redirect`;
const NO_VALUE = Buffer.alloc(0);

/** The folder it is made in must not hand its group down. */
export function placeRedirect(entry: FileEntry, path: string | Buffer, specials: SpecialFiles): void {
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    fs.ftruncateSync(fd, entry.sizeBytes);
    // Most are root's, as whoever makes them is: every call that is not made counts, 10,000 times.
    if (entry.uid !== 0 || entry.gid !== 0) fs.fchownSync(fd, entry.uid, entry.gid);
    fs.fchmodSync(fd, entry.mode);
    fs.futimesSync(fd, Number(entry.mtime), Number(entry.mtime));
  } finally {
    fs.closeSync(fd);
  }
  const bytes = Buffer.from(path);
  specials.setXattr(bytes, METACOPY, NO_VALUE);
  specials.setXattr(bytes, REDIRECT, Buffer.from(inObjects(entry.digest)));
}

/** From the top of the data-only layer. The kernel follows it below there only, and through no link. */
const inObjects = (digest: Digest): string => `/${digest.slice(0, 2)}/${digest}`;

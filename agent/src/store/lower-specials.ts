/** The part of a lower that Node has no calls for: device nodes, named pipes and extended attributes. */
import { chownSync, chmodSync, utimesSync } from 'node:fs';
import type { SpecialFiles } from '../host/index.ts';
import { fsPath } from './byte-string.ts';
import type { Tree } from './tree.ts';

export function makeNodes(tree: Tree, rootfs: string, specials: SpecialFiles): void {
  for (const entry of tree) {
    if (entry.type !== 'chardev' && entry.type !== 'blockdev' && entry.type !== 'fifo') continue;
    const path = Buffer.from(fsPath(rootfs, entry.path));
    specials.makeNode(path, entry);
    chownSync(path, entry.uid, entry.gid);
    chmodSync(path, entry.mode);
    utimesSync(path, Number(entry.mtime), Number(entry.mtime));
  }
}

/** After owners: changing an owner takes a file's capabilities away. */
export function setXattrs(tree: Tree, rootfs: string, specials: SpecialFiles): void {
  for (const entry of tree) {
    if (entry.type === 'hardlink' || entry.xattrs === undefined) continue;
    const path = Buffer.from(fsPath(rootfs, entry.path));
    for (const [name, value] of Object.entries(entry.xattrs)) {
      specials.setXattr(path, name, Buffer.from(value, 'base64'));
    }
  }
}

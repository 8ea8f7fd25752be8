/** What goes when a folder goes: walked before it is removed. */
import { lstatSync, readdirSync } from 'node:fs';
import type { Breath } from './breath.ts';
import type { InodeCounts } from './inode-counts.ts';

/** As `stat` counts: st_blocks is in units of 512 bytes whatever the file system. */
export const BLOCK_BYTES = 512;

/**
 * Bytes of disk that are free once the folder, or single file, is gone. A file that has names
 * elsewhere frees nothing; its names in here are counted in `names`, so that
 * whoever removes the last of the others knows that it is the last.
 */
export async function weighPath(path: string, names: InodeCounts, breath: Breath): Promise<number> {
  const top = lstatSync(path);
  const waiting = top.isDirectory() ? [Buffer.from(path)] : [];
  let freedBytes = top.blocks * BLOCK_BYTES;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const name of readdirSync(next, 'buffer')) {
      if (breath.isDue) await breath.breathe();
      const below = Buffer.concat([next, Buffer.from('/'), name]);
      const stats = lstatSync(below);
      if (stats.isDirectory()) waiting.push(below);
      const isLast = stats.isDirectory() || stats.nlink === 1 || names.add(stats.ino) === stats.nlink;
      if (isLast) freedBytes += stats.blocks * BLOCK_BYTES;
    }
  }
  return freedBytes;
}

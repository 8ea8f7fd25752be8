/** What goes when a folder goes: walked before it is removed. */
import { lstatSync, readdirSync } from 'node:fs';
import type { Breath } from './breath.ts';
import type { InodeCounts } from './inode-counts.ts';

/** As `stat` counts: st_blocks is in units of 512 bytes whatever the file system. */
export const BLOCK_BYTES = 512;

/**
 * Bytes of disk that are free once the folder is gone. A file that has names
 * elsewhere frees nothing; its names in here are counted in `names`, so that
 * whoever removes the last of the others knows that it is the last.
 */
export async function weighFolder(folder: string, names: InodeCounts, breath: Breath): Promise<number> {
  const waiting: Buffer[] = [Buffer.from(folder)];
  let freedBytes = lstatSync(folder).blocks * BLOCK_BYTES;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const name of readdirSync(next, 'buffer')) {
      if (breath.isDue) await breath.breathe();
      const path = Buffer.concat([next, Buffer.from('/'), name]);
      const stats = lstatSync(path);
      if (stats.isDirectory()) waiting.push(path);
      const isLast = stats.isDirectory() || stats.nlink === 1 || names.add(stats.ino) === stats.nlink;
      if (isLast) freedBytes += stats.blocks * BLOCK_BYTES;
    }
  }
  return freedBytes;
}

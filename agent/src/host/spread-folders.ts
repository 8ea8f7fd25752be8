/** A hint for file systems of the ext family, for which Node has no call. */
import { closeSync, openSync } from 'node:fs';
import { callsOf } from './libc.ts';

const calls = callsOf({ ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'buffer'] } });

const FS_IOC_GETFLAGS = 0x8008_6601n;
const FS_IOC_SETFLAGS = 0x4008_6602n;
/** As `chattr +T` sets it. */
const TOP_OF_HIERARCHY = 0x0002_0000;
const FLAGS_BYTES = 8;

/**
 * New folders in this one are placed apart from one another, each where there
 * is room, and their files with them. ext4 goes through what was deleted in the
 * last minutes for each file that it makes in the same part of the disk: making
 * ten thousand files after ten thousand were removed takes it several seconds
 * of the processor. Where the file system knows no such hint, nothing happens.
 */
export function spreadFolders(path: string): void {
  const fd = openSync(path, 'r');
  try {
    const flags = Buffer.alloc(FLAGS_BYTES);
    if (calls().ioctl(fd, FS_IOC_GETFLAGS, flags) !== 0) return;
    const before = flags.readUInt32LE();
    if ((before & TOP_OF_HIERARCHY) !== 0) return;
    flags.writeUInt32LE(before | TOP_OF_HIERARCHY);
    calls().ioctl(fd, FS_IOC_SETFLAGS, flags);
  } finally {
    closeSync(fd);
  }
}

/**
 * Quotas of projects, as ext4 and XFS have them: all files below a folder
 * count for a number, and the number has a limit. Node has no calls for it.
 */
import { closeSync, openSync } from 'node:fs';
import { callsOf } from './libc.ts';

export interface ProjectQuotas {
  /** Whether the file system of this folder holds projects to their limits. */
  areEnforced(folder: string): boolean;
  /** Lets all that will be made in an empty folder count for a project. False where the file system refuses. */
  assign(folder: string, project: number): boolean;
  /** Sets what the files of a project may take; 0 is no limit. False where the file system refuses. */
  limit(folder: string, project: number, bytes: number): boolean;
}

const calls = callsOf({
  ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'buffer'] },
  syscall: { return: 'int64', arguments: ['int64', 'int64', 'int64', 'int64', 'buffer'] },
});

/** By descriptor and not by device, which a node in a container does not have. Linux 5.14 has it. */
const SYS_QUOTACTL_FD = 443n;
const PROJECTS = 2;
const command = (number: number): bigint => BigInt((number << 8) | PROJECTS) & 0xffff_ffffn;
const Q_SETQUOTA = command(0x80_0008);
const Q_XGETQSTAT = command(0x5805);

const FS_IOC_FSGETXATTR = 0x801c_581fn;
const FS_IOC_FSSETXATTR = 0x401c_5820n;
const ATTRIBUTES_BYTES = 28;
const PROJECT_AT = 12;
/** What is made in the folder is of its project too. */
const INHERIT = 0x200;

const STATE_BYTES = 256;
const STATE_FLAGS_AT = 2;
const PROJECTS_ENFORCED = 1 << 5;

const LIMITS_BYTES = 72;
const LIMITS_VALID_AT = 64;
const BLOCK_LIMITS = 1;
const BLOCK_BYTES = 1024;

export const kernelProjectQuotas: ProjectQuotas = {
  areEnforced: (folder) =>
    inFolder(folder, (fd) => {
      const state = Buffer.alloc(STATE_BYTES);
      const isKnown = quotactl(fd, Q_XGETQSTAT, 0, state);
      return isKnown && (state.readUInt16LE(STATE_FLAGS_AT) & PROJECTS_ENFORCED) !== 0;
    }),

  assign: (folder, project) =>
    inFolder(folder, (fd) => {
      const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
      if (calls().ioctl(fd, FS_IOC_FSGETXATTR, attributes) !== 0) return false;
      attributes.writeUInt32LE((attributes.readUInt32LE() | INHERIT) >>> 0);
      attributes.writeUInt32LE(project, PROJECT_AT);
      return calls().ioctl(fd, FS_IOC_FSSETXATTR, attributes) === 0;
    }),

  limit: (folder, project, bytes) =>
    inFolder(folder, (fd) => {
      const limits = Buffer.alloc(LIMITS_BYTES);
      limits.writeBigUInt64LE(BigInt(Math.ceil(bytes / BLOCK_BYTES)));
      limits.writeUInt32LE(BLOCK_LIMITS, LIMITS_VALID_AT);
      return quotactl(fd, Q_SETQUOTA, project, limits);
    }),
};

const quotactl = (fd: number, what: bigint, project: number, argument: Buffer): boolean =>
  calls().syscall(SYS_QUOTACTL_FD, BigInt(fd), what, BigInt(project), argument) === 0n;

function inFolder(folder: string, act: (fd: number) => boolean): boolean {
  const fd = openSync(folder, 'r');
  try {
    return act(fd);
  } finally {
    closeSync(fd);
  }
}

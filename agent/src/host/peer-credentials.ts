/** Who is at the other end of a unix socket, as the kernel tells it. The peer cannot forge any of this. */
import type { Socket } from 'node:net';
import { VoltError } from '@volt/shared/errors';
import { libc } from './libc.ts';

export interface PeerCredentials {
  /** 0 if the peer lives in a pid namespace that is not below ours. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups of the process at the time it connected. */
  readonly groups: readonly number[];
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** NGROUPS_MAX of Linux: the kernel lets no process have more. */
const GROUPS_MAX = 65_536;
const ID_BYTES = 4;
/** The kernel's "nobody in particular": what a socket without a peer process answers. */
const NO_ID = 0xffff_ffff;

/**
 * Reads the credentials of the process that connected. Throws PERMISSION if
 * the kernel does not vouch for one (closed, not a unix socket, no FFI), so a
 * caller that forgets to look at the error still lets nobody in.
 */
export function peerCredentials(socket: Socket): PeerCredentials {
  const fd = descriptor(socket);
  if (fd === undefined) throw unknownPeer('the connection is closed');
  try {
    const ucred = option(fd, SO_PEERCRED, 3 * ID_BYTES);
    const [pid, uid, gid] = [ucred.readInt32LE(0), ucred.readUInt32LE(4), ucred.readUInt32LE(8)];
    if (uid === NO_ID || gid === NO_ID) throw unknownPeer('it is not a unix socket');
    return { pid, uid, gid, groups: supplementaryGroups(fd) };
  } catch (thrown) {
    if (thrown instanceof VoltError && thrown.code === 'PERMISSION') throw thrown;
    throw unknownPeer('the kernel could not be asked', thrown);
  }
}

function supplementaryGroups(fd: number): number[] {
  const bytes = option(fd, SO_PEERGROUPS, GROUPS_MAX * ID_BYTES);
  return Array.from({ length: bytes.length / ID_BYTES }, (_, index) => bytes.readUInt32LE(index * ID_BYTES));
}

function option(fd: number, name: number, sizeMax: number): Buffer {
  const value = Buffer.alloc(sizeMax);
  const size = Buffer.alloc(ID_BYTES);
  size.writeUInt32LE(sizeMax);
  if (libc().getsockopt(fd, SOL_SOCKET, name, value, size) !== 0) throw unknownPeer(`getsockopt ${name} failed`);
  return value.subarray(0, size.readUInt32LE());
}

/** Node keeps the descriptor in an undocumented place; the test of this file holds it to that. */
function descriptor(socket: Socket): number | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}

function unknownPeer(because: string, cause?: unknown): VoltError {
  return new VoltError('PERMISSION', `The caller cannot be identified: ${because}`, { cause });
}

/**
 * All that is in a folder which somebody else may be changing, and who may
 * mean harm. Every name is looked at from the open folder that it is in, and
 * no link is ever followed: whoever puts a link in the place of a folder while
 * this looks gains nothing.
 */
import * as fs from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import { type ByteString, fromBytes } from '../store/index.ts';

/** Each is an open file of this process. */
const DEPTH_MAX = 256;
/** Between two breaths of the event loop. */
const BLOCKING_MS_MAX = 5;

export type FoundType = 'dir' | 'file' | 'symlink' | 'fifo' | 'chardev' | 'blockdev';

export interface Found {
  /** Below the folder; empty for the folder itself. */
  readonly path: ByteString;
  readonly type: FoundType;
  readonly stat: fs.BigIntStats;
  /** A name in the folder that it is in, until the next one is asked for. What is there may be another by then. */
  readonly at: Buffer;
  /** Of a file, open for reading. */
  readonly fd: number | undefined;
  /** Of a symbolic link. */
  readonly target: ByteString | undefined;
}

/** A folder comes right before all that is in it. Sockets are left out, and what is gone before it is looked at. */
export async function* walk(folder: string): AsyncGenerator<Found> {
  const fd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
  yield* inFolder({ fd, path: '', depth: 0, breath: { since: performance.now() } });
}

interface Place {
  /** Closed when all of it was seen. */
  readonly fd: number;
  readonly path: ByteString;
  readonly depth: number;
  readonly breath: { since: number };
}

async function* inFolder({ fd, path, depth, breath }: Place): AsyncGenerator<Found> {
  try {
    if (depth > DEPTH_MAX) throw new VoltError('RESOURCE', `It has folders more than ${DEPTH_MAX} deep`);
    const at = Buffer.from(`/proc/self/fd/${fd}/.`);
    yield { path, type: 'dir', stat: fs.fstatSync(fd, { bigint: true }), at, fd: undefined, target: undefined };
    for (const name of fs.readdirSync(at, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b))) {
      if (performance.now() - breath.since > BLOCKING_MS_MAX) {
        await new Promise((resolve) => setImmediate(resolve));
        breath.since = performance.now();
      }
      const below = path === '' ? fromBytes(name) : `${path}/${fromBytes(name)}`;
      const found = look(Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]), below);
      if (found === undefined) continue;
      if (found.type === 'dir') {
        yield* inFolder({ fd: found.fd!, path: below, depth: depth + 1, breath });
        continue;
      }
      try {
        yield found;
      } finally {
        if (found.fd !== undefined) fs.closeSync(found.fd);
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Undefined where it is gone, became another kind while it was looked at, or is nothing to keep. */
function look(at: Buffer, path: ByteString): Found | undefined {
  try {
    const stat = fs.lstatSync(at, { bigint: true });
    const type = typeOf(stat);
    if (type === undefined) return undefined;
    const found = { path, type, stat, at, fd: undefined, target: undefined };
    if (type === 'symlink') return { ...found, target: fromBytes(fs.readlinkSync(at, { encoding: 'buffer' })) };
    if (type !== 'dir' && type !== 'file') return found;
    return opened(found);
  } catch (thrown) {
    const { code = '' } = thrown as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO'].includes(code)) return undefined;
    throw thrown;
  }
}

/** Undefined where it became another kind since it was looked at. A link in its place is ELOOP or ENOTDIR. */
export function opened(found: Found): Found | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = fs.constants;
  const fd = fs.openSync(found.at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (found.type === 'dir' ? O_DIRECTORY : 0));
  const stat = fs.fstatSync(fd, { bigint: true });
  if (typeOf(stat) === found.type) return { ...found, stat, fd };
  fs.closeSync(fd);
  return undefined;
}

function typeOf(stat: fs.BigIntStats): FoundType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'chardev';
  return stat.isBlockDevice() ? 'blockdev' : undefined;
}

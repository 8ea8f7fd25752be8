/** The files of a volume as an archive, read while containers may be writing them. */
import * as fs from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import type { Xattrs } from '../host/index.ts';
import { type ByteString, fromText, shown } from '../store/index.ts';
import { END_OF_TAR, paddingOf, type TarEntry, tarHeader } from '../tar/index.ts';
import { isKeptXattr, type Metadata } from './builder.ts';
import { type Found, walk } from './walk.ts';

const CHUNK_BYTES = 256 * 1024;

/** Ends with an error where a file became shorter while it was read, so that nobody takes what came for all of it. */
export async function* pack(folder: string, xattrs: Xattrs, signal: AbortSignal): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const part of parts(folder, xattrs, signal)) {
    held.push(part);
    heldBytes += part.length;
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  yield Buffer.concat(held);
}

async function* parts(folder: string, xattrs: Xattrs, signal: AbortSignal): AsyncGenerator<Buffer> {
  const names = new FirstNames();
  for await (const found of walk(folder)) {
    signal.throwIfAborted();
    if (found.type === 'chardev' || found.type === 'blockdev') continue;
    const linkName = names.before(found);
    yield tarHeader(toTarEntry(found, linkName, xattrs));
    if (found.fd === undefined || linkName !== undefined) continue;
    yield* contents(found, found.fd);
    yield paddingOf(Number(found.stat.size));
  }
  yield END_OF_TAR;
}

/** Of the names of one file the first that comes has the contents. */
export class FirstNames {
  readonly #names = new Map<bigint, ByteString>();

  before({ type, stat, path }: Found): ByteString | undefined {
    if (type === 'dir' || stat.nlink < 2n) return undefined;
    const first = this.#names.get(stat.ino);
    if (first === undefined) this.#names.set(stat.ino, path);
    return first;
  }
}

function toTarEntry(found: Found, linkName: ByteString | undefined, xattrs: Xattrs): TarEntry {
  const metadata = metadataOf(found, xattrs);
  const own = { ...metadata, name: found.path, sizeBytes: 0, linkName: '', major: 0, minor: 0 };
  if (linkName !== undefined) return { ...own, type: 'hardlink', linkName, xattrs: new Map() };
  if (found.type === 'dir') return { ...own, type: 'dir', name: `${found.path || '.'}/` };
  if (found.type === 'file') return { ...own, type: 'file', sizeBytes: Number(found.stat.size) };
  return { ...own, type: found.type, linkName: found.target ?? '' };
}

export function metadataOf({ stat, at }: Found, xattrs: Xattrs): Metadata {
  const own = Object.entries(xattrs.read(at) ?? {}).filter(([name]) => isKeptXattr(name));
  return {
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: seconds(stat.mtimeNs),
    xattrs: new Map(own.map(([name, value]) => [fromText(name), Buffer.from(value, 'base64').toString('latin1')])),
  };
}

function seconds(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const digits = String(ns < 0n ? -ns : ns).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -9)}${fraction && `.${fraction}`}`;
}

async function* contents({ path, stat }: Found, fd: number): AsyncGenerator<Buffer> {
  const size = Number(stat.size);
  for (let at = 0; at < size;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
    const read = fs.readSync(fd, chunk, 0, chunk.length, at);
    if (read === 0) {
      throw new VoltError('CONFLICT', `'${shown(path)}' became shorter while it was read`, {
        hint: 'stop what writes to the volume, or read it again',
      });
    }
    yield chunk.subarray(0, read);
    at += read;
  }
}

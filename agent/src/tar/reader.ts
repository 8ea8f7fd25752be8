/**
 * Reads a tar stream entry by entry: ustar, GNU (long names, base-256
 * numbers) and PAX (names, times, ids, extended attributes). Names are bytes.
 *
 * Our own, for what docs/decisions/0005-own-tar-reader.md says. It only reads:
 * what a name may be and where it may point is decided by its user.
 */
import { VoltError } from '@volt/shared/errors';
import { type ByteReader, type ByteString, fromBytes } from '../store/index.ts';
import { headerNumber } from './numbers.ts';
import { parsePax, type Pax } from './pax.ts';
import { type Piece, readSparse } from './sparse.ts';

export type TarType = 'file' | 'hardlink' | 'symlink' | 'chardev' | 'blockdev' | 'dir' | 'fifo';

export interface TarEntry {
  /** As it stands in the archive. */
  readonly name: ByteString;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly sizeBytes: number;
  /** Of a sparse file, what of it is in the archive. `contentsOf` puts it in its place. */
  readonly pieces?: readonly Piece[] | undefined;
  readonly linkName: ByteString;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

export const BLOCK_BYTES = 512;
/** For what comes in front of an entry: names, attributes. */
const EXTENSION_BYTES_MAX = 1024 * 1024;
/** Records that stand for all entries are looked at for each of them. */
const GLOBAL_RECORDS_MAX = 100;

const types: Record<string, TarType> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'chardev',
  '4': 'blockdev',
  '5': 'dir',
  '6': 'fifo',
};

/**
 * Every entry in turn. The contents of a file are read by `contentsOf`; what
 * its user leaves of them is skipped. Throws INVALID_CONFIG for
 * what is not a whole tar archive.
 *
 * `mayLackEnd` is for archives whose digest says that they are whole: umoci
 * leaves out the end mark and what fills the last block.
 */
export async function* readTar(reader: ByteReader, { mayLackEnd = false } = {}): AsyncGenerator<TarEntry> {
  const global: Pax = new Map();
  let pax: Pax = new Map();
  let longName: ByteString | undefined;
  let longLink: ByteString | undefined;

  const next = () => readHeader(reader, mayLackEnd);
  for (let header = await next(); header !== undefined; header = await next()) {
    const flag = String.fromCharCode(header[156] as number);
    if (flag === 'L') longName = cString(await readExtension(reader, header));
    else if (flag === 'K') longLink = cString(await readExtension(reader, header));
    else if (flag === 'x') pax = parsePax(await readExtension(reader, header));
    else if (flag === 'g') addGlobal(global, parsePax(await readExtension(reader, header)));
    else {
      const all: Pax = new Map([...global, ...pax]);
      const entry = toEntry(header, all, { longName, longLink });
      const begin = reader.position;
      const sparse = await readSparse(reader, { header, pax: all, sizeBytes: entry.sizeBytes });
      // The list of the old way comes in front of the contents, that of the new is counted with them.
      const start = flag === 'S' ? reader.position : begin;
      yield sparse === undefined ? entry : { ...entry, ...sparse };
      await skip(reader, start, entry.sizeBytes, mayLackEnd);
      pax = new Map();
      longName = undefined;
      longLink = undefined;
    }
  }
}

function addGlobal(global: Pax, more: Pax): void {
  for (const [key, value] of more) global.set(key, value);
  if (global.size > GLOBAL_RECORDS_MAX) throw bad(`it has more than ${GLOBAL_RECORDS_MAX} global records`);
}

/** Undefined at the end of the archive, which is a block of zeros. */
async function readHeader(reader: ByteReader, mayLackEnd: boolean): Promise<Buffer | undefined> {
  const header = await reader.read(BLOCK_BYTES);
  if (header.length === 0 && reader.position > 0 && mayLackEnd) return undefined;
  if (header.length < BLOCK_BYTES) throw bad(reader.position < BLOCK_BYTES ? 'it is not one' : 'it ends early');
  let sum = 8 * 32;
  for (let at = 0; at < BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += header[at] as number;
  if (sum === 8 * 32) return undefined;
  if (sum !== headerNumber(header, 148, 8))
    throw bad(reader.position === BLOCK_BYTES ? 'it is not one' : 'a header is damaged');
  return header;
}

async function readExtension(reader: ByteReader, header: Buffer): Promise<Buffer> {
  const size = headerNumber(header, 124, 12);
  if (size > EXTENSION_BYTES_MAX) throw bad('an extended header is larger than 1 MiB');
  const start = reader.position;
  const bytes = await reader.read(size);
  await skip(reader, start, size);
  return bytes;
}

/** Moves to the block after contents of `size` bytes that began at `start`. */
async function skip(reader: ByteReader, start: number, size: number, mayLackEnd = false): Promise<void> {
  const end = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  const missing = end - reader.position;
  if (missing === 0) return;
  let skipped = 0;
  for await (const chunk of reader.stream(missing)) skipped += chunk.length;
  const isWhole = mayLackEnd ? reader.position >= start + size : skipped === missing;
  if (!isWhole) throw bad('it ends early');
}

interface LongNames {
  readonly longName: ByteString | undefined;
  readonly longLink: ByteString | undefined;
}

function toEntry(header: Buffer, pax: Pax, { longName, longLink }: LongNames): TarEntry {
  const flag = String.fromCharCode(header[156] as number);
  const name = pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName ?? ustarName(header);
  const isOldFolder = (flag === '\0' || flag === '0') && name.endsWith('/');
  const type = isOldFolder ? 'dir' : types[flag];
  if (type === undefined) throw bad(`an entry has the unknown type '${flag}'`);
  const size = paxNumber(pax, 'size') ?? headerNumber(header, 124, 12);
  return {
    name,
    type,
    mode: headerNumber(header, 100, 8) & 0o7777,
    uid: paxNumber(pax, 'uid') ?? headerNumber(header, 108, 8),
    gid: paxNumber(pax, 'gid') ?? headerNumber(header, 116, 8),
    mtime: pax.get('mtime') ?? String(headerNumber(header, 136, 12, true)),
    // Links and devices may carry a size of no meaning; only files have contents.
    sizeBytes: type === 'file' ? size : 0,
    linkName: pax.get('linkpath') ?? longLink ?? cString(header.subarray(157, 257)),
    major: type === 'chardev' || type === 'blockdev' ? headerNumber(header, 329, 8) : 0,
    minor: type === 'chardev' || type === 'blockdev' ? headerNumber(header, 337, 8) : 0,
    xattrs: xattrsOf(pax),
  };
}

/** In POSIX archives long names are split in two; GNU ones have other things in that place. */
function ustarName(header: Buffer): ByteString {
  const name = cString(header.subarray(0, 100));
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? cString(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

const XATTR = 'SCHILY.xattr.';

function xattrsOf(pax: Pax): Map<ByteString, ByteString> {
  const found = [...pax].filter(([key]) => key.startsWith(XATTR) && key.length > XATTR.length);
  return new Map(found.map(([key, value]) => [key.slice(XATTR.length), value]));
}

function cString(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return fromBytes(end === -1 ? bytes : bytes.subarray(0, end));
}

function paxNumber(pax: Pax, key: string): number | undefined {
  const text = pax.get(key);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw bad(`the extended header '${key}' is malformed`);
  return Number(text);
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

/**
 * The stream that `enter --files` reads and writes: agent/enter/files.h. Each
 * entry is a head of fixed size, then its name, link, attributes and contents.
 * What comes out of a container is believed no more than any archive.
 */
import { VoltError } from '@volt/shared/errors';
import { type ByteReader, type ByteString, fromBytes } from '../../store/index.ts';
import type { TarEntry, TarType } from '../../tar/index.ts';

const HEAD_BYTES = 56;
const NAME_BYTES_MAX = 32_767;
const XATTRS_BYTES_MAX = 131_072;
const ENTRY = 'E'.charCodeAt(0);
const END = 'Z'.charCodeAt(0);

/** In the order of their numbers. */
const types: readonly TarType[] = ['file', 'hardlink', 'symlink', 'chardev', 'blockdev', 'dir', 'fifo'];

export function encodeRecord(entry: TarEntry): Buffer {
  const name = Buffer.from(entry.name, 'latin1');
  const link = Buffer.from(entry.linkName, 'latin1');
  const xattrs = encodeXattrs(entry.xattrs);
  if (name.length > NAME_BYTES_MAX || link.length > NAME_BYTES_MAX || xattrs.length > XATTRS_BYTES_MAX) {
    throw new VoltError('INVALID_CONFIG', 'Bad tar archive: a name or its attributes are too long');
  }
  const { seconds, nanoseconds } = parseTime(entry.mtime);
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = ENTRY;
  head[1] = types.indexOf(entry.type);
  head.writeUInt16LE(name.length, 2);
  head.writeUInt16LE(link.length, 4);
  head.writeUInt32LE(entry.mode, 8);
  head.writeUInt32LE(entry.uid, 12);
  head.writeUInt32LE(entry.gid, 16);
  head.writeUInt32LE(nanoseconds, 20);
  head.writeBigInt64LE(seconds, 24);
  head.writeBigUInt64LE(BigInt(entry.sizeBytes), 32);
  head.writeUInt32LE(entry.major, 40);
  head.writeUInt32LE(entry.minor, 44);
  head.writeUInt32LE(xattrs.length, 48);
  return Buffer.concat([head, name, link, xattrs]);
}

const NAMES_AT_ONCE = 256;

/** What `each` is told: names, and an empty one at the end. In chunks. */
export function encodeNames(names: readonly ByteString[]): Buffer[] {
  const one = (name: ByteString): Buffer => {
    const bytes = Buffer.alloc(2 + name.length);
    bytes.writeUInt16LE(name.length);
    bytes.write(name, 2, 'latin1');
    return bytes;
  };
  const chunks: Buffer[] = [];
  for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
    chunks.push(Buffer.concat(names.slice(at, at + NAMES_AT_ONCE).map(one)));
  }
  return [...chunks, Buffer.alloc(2)];
}

/** Says that nothing is missing. */
export function encodeEnd(): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = END;
  return head;
}

/** Every entry in turn; what its user leaves of the contents is skipped. DEPENDENCY where the stream is not whole. */
export async function* readRecords(reader: ByteReader): AsyncGenerator<TarEntry> {
  for (;;) {
    const entry = await readRecord(reader);
    if (entry === undefined) return;
    const end = reader.position + entry.sizeBytes;
    yield entry;
    for await (const _ of reader.stream(end - reader.position));
    if (reader.position < end) throw cutShort();
  }
}

/** Undefined at the end. */
export async function readRecord(reader: ByteReader): Promise<TarEntry | undefined> {
  const head = await reader.read(HEAD_BYTES);
  if (head.length < HEAD_BYTES) throw cutShort();
  if (head[0] === END) return undefined;
  const type = types[head[1]!];
  if (head[0] !== ENTRY || type === undefined) throw cutShort();
  // Taken out before more is read: the reader may hand out the same memory again.
  const bytes = { name: head.readUInt16LE(2), link: head.readUInt16LE(4), xattrs: head.readUInt32LE(48) };
  const numbers = { mode: head.readUInt32LE(8) & 0o7777, uid: head.readUInt32LE(12), gid: head.readUInt32LE(16) };
  const mtime = spellTime(head.readBigInt64LE(24), head.readUInt32LE(20));
  const sizeBytes = type === 'file' ? Number(head.readBigUInt64LE(32)) : 0;
  const device = { major: head.readUInt32LE(40), minor: head.readUInt32LE(44) };
  if (bytes.name === 0 || bytes.xattrs > XATTRS_BYTES_MAX || !Number.isSafeInteger(sizeBytes)) throw cutShort();
  const name = await text(reader, bytes.name);
  const linkName = await text(reader, bytes.link);
  const xattrs = decodeXattrs(await whole(reader, bytes.xattrs));
  return { name, type, ...numbers, mtime, sizeBytes, linkName, ...device, xattrs };
}

const text = async (reader: ByteReader, bytes: number): Promise<ByteString> => fromBytes(await whole(reader, bytes));

async function whole(reader: ByteReader, bytes: number): Promise<Buffer> {
  const read = await reader.read(bytes);
  if (read.length < bytes) throw cutShort();
  return read;
}

function encodeXattrs(xattrs: TarEntry['xattrs']): Buffer {
  const parts = [...xattrs].flatMap(([name, value]) => {
    const head = Buffer.alloc(6);
    head.writeUInt16LE(name.length, 0);
    head.writeUInt32LE(value.length, 2);
    return [head, Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
  });
  return Buffer.concat(parts);
}

function decodeXattrs(bytes: Buffer): Map<ByteString, ByteString> {
  const found = new Map<ByteString, ByteString>();
  for (let at = 0; at < bytes.length;) {
    if (at + 6 > bytes.length) throw cutShort();
    const value = at + 6 + bytes.readUInt16LE(at);
    const end = value + bytes.readUInt32LE(at + 2);
    if (end > bytes.length) throw cutShort();
    found.set(fromBytes(bytes.subarray(at + 6, value)), fromBytes(bytes.subarray(value, end)));
    at = end;
  }
  return found;
}

/** Seconds since 1970 and a fraction that adds to them, as the kernel counts; archives may spell it the other way. */
function parseTime(mtime: string): { seconds: bigint; nanoseconds: number } {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(mtime) ?? [];
  if (whole === '') throw new VoltError('INVALID_CONFIG', 'Bad tar archive: a time is malformed');
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds: BigInt(whole), nanoseconds };
  return nanoseconds === 0
    ? { seconds: -BigInt(whole), nanoseconds: 0 }
    : { seconds: -BigInt(whole) - 1n, nanoseconds: 1_000_000_000 - nanoseconds };
}

function spellTime(seconds: bigint, nanoseconds: number): string {
  const all = seconds * 1_000_000_000n + BigInt(nanoseconds);
  const size = all < 0n ? -all : all;
  const places = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${all < 0n ? '-' : ''}${size / 1_000_000_000n}${places && `.${places}`}`;
}

/** The cause of an error of which whoever wrote the stream can say more. */
export const CUT_SHORT = Symbol('cut short');

const cutShort = (): VoltError =>
  new VoltError('DEPENDENCY', 'What was read of the container ended too early', { cause: CUT_SHORT });

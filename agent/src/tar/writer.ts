/**
 * Headers of a tar archive: ustar, with a PAX header in front where ustar has
 * no room. The same entry always gives the same bytes.
 */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, shown } from '../store/index.ts';
import { BLOCK_BYTES, type TarEntry, type TarType } from './reader.ts';

const flags: Record<TarType, string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  chardev: '3',
  blockdev: '4',
  dir: '5',
  fifo: '6',
};

const NAME_BYTES = 100;
/** What fits into the octal digits of a field, which ends with NUL. */
const ID_MAX = 8 ** 7 - 1;
const LARGE_MAX = 8 ** 11 - 1;

/** Two blocks of zeros. */
export const END_OF_TAR = Buffer.alloc(2 * BLOCK_BYTES);

/** What fills the last block of contents. */
export const paddingOf = (sizeBytes: number): Buffer =>
  Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);

/** All that comes before the contents of an entry. Throws INVALID_CONFIG for an attribute that tar cannot name. */
export function tarHeader(entry: TarEntry): Buffer {
  const records = paxOf(entry);
  const own = ustar(entry);
  if (records.length === 0) return own;
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const plain = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: '0', linkName: '', major: 0, minor: 0 } as const;
  const head = ustar({ ...plain, name: 'PaxHeaders', sizeBytes: body.length, xattrs: new Map() }, 'x');
  return Buffer.concat([head, body, paddingOf(body.length), own]);
}

function paxOf(entry: TarEntry): [ByteString, ByteString][] {
  const records: [ByteString, ByteString][] = [];
  if (entry.name.length > NAME_BYTES) records.push(['path', entry.name]);
  if (entry.linkName.length > NAME_BYTES) records.push(['linkpath', entry.linkName]);
  if (entry.uid > ID_MAX) records.push(['uid', String(entry.uid)]);
  if (entry.gid > ID_MAX) records.push(['gid', String(entry.gid)]);
  if (entry.sizeBytes > LARGE_MAX) records.push(['size', String(entry.sizeBytes)]);
  if (wholeSeconds(entry.mtime) === undefined) records.push(['mtime', entry.mtime]);
  for (const [name, value] of [...entry.xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.includes('=')) {
      throw new VoltError('INVALID_CONFIG', `'${shown(entry.name)}' has an attribute with '=' in its name`, {
        hint: 'tar archives have no way to hold it',
      });
    }
    records.push([`SCHILY.xattr.${name}`, value]);
  }
  return records;
}

/** "<length> <key>=<value>\n", the length counting all of it, itself included. */
function paxRecord(key: ByteString, value: ByteString): Buffer {
  const body = Buffer.from(` ${key}=${value}\n`, 'latin1');
  let length = body.length;
  while (length < body.length + String(length).length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function ustar(entry: TarEntry, flag = flags[entry.type]): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number) => bytes.write(value.toString(8).padStart(digits, '0'), at);
  bytes.write(entry.name.slice(0, NAME_BYTES), 0, NAME_BYTES, 'latin1');
  octal(entry.mode, 100, 7);
  octal(entry.uid > ID_MAX ? 0 : entry.uid, 108, 7);
  octal(entry.gid > ID_MAX ? 0 : entry.gid, 116, 7);
  octal(entry.sizeBytes > LARGE_MAX ? 0 : entry.sizeBytes, 124, 11);
  octal(wholeSeconds(entry.mtime) ?? 0, 136, 11);
  bytes.write(flag, 156, 'latin1');
  bytes.write(entry.linkName.slice(0, NAME_BYTES), 157, NAME_BYTES, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(entry.major, 329, 7);
  octal(entry.minor, 337, 7);
  bytes.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  octal(sum, 148, 6);
  bytes[154] = 0;
  return bytes;
}

/** Undefined for a time that a ustar header cannot hold. */
function wholeSeconds(mtime: string): number | undefined {
  if (!/^\d+$/.test(mtime)) return undefined;
  const seconds = Number(mtime);
  return seconds <= LARGE_MAX ? seconds : undefined;
}

/** For tests: tar archives made byte by byte, hostile ones included. */
export interface RawEntry {
  readonly name: string;
  /** The type flag of the header. */
  readonly flag?: string;
  readonly contents?: string | Buffer;
  readonly linkName?: string;
  readonly mode?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** What the header says where it lies. */
  readonly size?: number;
  /** The same in base 256, which can say more. */
  readonly binarySize?: number;
  readonly pax?: Readonly<Record<string, string>>;
}

const BLOCK_BYTES = 512;
export const END = Buffer.alloc(2 * BLOCK_BYTES);

/** An archive with its end mark. Names are bytes, one character each. */
export const tarOf = (...entries: RawEntry[]): Buffer => Buffer.concat([...entries.map(rawEntry), END]);

export function rawEntry(entry: RawEntry): Buffer {
  const contents = Buffer.from(entry.contents ?? '');
  const parts = [header(entry, contents.length), padded(contents)];
  if (entry.pax === undefined) return Buffer.concat(parts);
  const records = Buffer.concat(Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([header({ name: 'pax', flag: 'x' }, records.length), padded(records), ...parts]);
}

function header(entry: RawEntry, length: number): Buffer {
  const { name, flag = '0', linkName = '', mode = 0o644, mtime = 1_700_000_000, major = 0, minor = 0 } = entry;
  const bytes = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number) => bytes.write(value.toString(8).padStart(digits, '0'), at);
  bytes.write(name, 0, 100, 'latin1');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(entry.size ?? length, 124, 11);
  if (entry.binarySize !== undefined) {
    bytes.writeUInt32BE(0xffffffff, 124);
    bytes.writeBigInt64BE(BigInt(entry.binarySize), 128);
  }
  octal(mtime, 136, 11);
  bytes.write(flag, 156, 'latin1');
  bytes.write(linkName, 157, 100, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(major, 329, 7);
  octal(minor, 337, 7);
  bytes.fill(' ', 148, 156);
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  bytes[154] = 0;
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)]);
}

function paxRecord(key: string, value: string): Buffer {
  const body = Buffer.from(` ${key}=${value}\n`, 'latin1');
  let length = body.length;
  while (length < body.length + String(length).length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

export async function* chunksOf(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

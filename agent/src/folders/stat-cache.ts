/**
 * What a folder and its files held when they were last read, so that what did
 * not change is not read again. One file for each folder:
 *
 *   16 bytes   "volt.seen.v1" and zeros
 *   32 bytes   fingerprint of the whole folder, or zeros
 *   32 bytes   digest of its tree
 *   24 bytes   size of the tree's object, number of entries, size of all files
 *   records    of 80 bytes for each file: device, inode, size, time of
 *              contents and of change in nanoseconds, flags (1: it has
 *              extended attributes), as 8 bytes little-endian each; then the
 *              BLAKE3 of the contents
 *   32 bytes   BLAKE3 of all of the above
 *
 * A change within the granularity of the clock leaves no trace in the times.
 * So what changed shortly before it was looked at is not recorded, as in git.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest, Hash, Stamp } from '../store/index.ts';

export interface Seen extends Stamp {
  readonly digest: Digest;
  readonly hasXattrs: boolean;
}

/** A folder as a whole. */
export interface SeenFolder {
  readonly fingerprint: Digest;
  readonly tree: Digest;
  readonly treeBytes: number;
  readonly entries: number;
  readonly sizeBytes: number;
}

const MAGIC = Buffer.from('volt.seen.v1\0\0\0\0', 'latin1');
const DIGEST_BYTES = 32;
const NUMBERS_AT = MAGIC.length + 2 * DIGEST_BYTES;
const RECORDS_AT = NUMBERS_AT + 3 * 8;
const RECORD_NUMBERS = 6;
const RECORD_BYTES = RECORD_NUMBERS * 8 + DIGEST_BYTES;
/** Times of some file systems are whole seconds, of one even pairs of seconds. */
const GRANULARITY_NS = 2_000_000_000n;
/** Folders that are remembered; the one not used for longest goes. */
const FOLDERS_MAX = 64;
const NO_FINGERPRINT = '0'.repeat(2 * DIGEST_BYTES);

/** Whether a change at the time it was looked at would have moved this time of change. */
export const isSettled = (ctimeNs: bigint, lookedAtNs: bigint): boolean => ctimeNs + GRANULARITY_NS < lookedAtNs;

export class StatCache {
  readonly #path: string;
  readonly #folder: string;
  readonly #hash: Hash;
  /** The file without the hash at its end; empty where there is none. */
  readonly #bytes: Buffer;
  /** Where the record of each inode is; made when it is first asked for. */
  #places: Map<bigint, number> | undefined;
  readonly #seen = new Records();

  /** What is damaged or of another kind is as good as nothing. */
  constructor(folder: string, root: string, hash: Hash) {
    this.#folder = folder;
    this.#hash = hash;
    this.#path = join(folder, hash.of(Buffer.from(root)));
    this.#bytes = readIntact(this.#path, hash);
  }

  /** The folder as it was, unless something in it was too young to tell. */
  get whole(): SeenFolder | undefined {
    const bytes = this.#bytes;
    if (bytes.length === 0) return undefined;
    const [fingerprint = '', tree = ''] = [0, 1].map((at) => digestIn(bytes, MAGIC.length + at * DIGEST_BYTES));
    if (fingerprint === NO_FINGERPRINT) return undefined;
    const [treeBytes = 0, entries = 0, sizeBytes = 0] = [0, 1, 2].map((at) => numberIn(bytes, NUMBERS_AT + at * 8));
    return { fingerprint, tree, treeBytes, entries, sizeBytes };
  }

  /** The contents of all files, in no particular order. */
  *contents(): Generator<{ readonly digest: Digest; readonly sizeBytes: number }> {
    for (const at of this.#records()) {
      const digest = digestIn(this.#bytes, at + RECORD_NUMBERS * 8);
      yield { digest, sizeBytes: numberIn(this.#bytes, at + 16) };
    }
  }

  /** What this file holds, unless it may have changed. */
  find(stamp: Stamp): Pick<Seen, 'digest' | 'hasXattrs'> | undefined {
    const bytes = this.#bytes;
    this.#places ??= new Map(this.#records().map((at) => [bytes.readBigUInt64LE(at + 8), at]));
    const at = this.#places.get(stamp.ino);
    if (at === undefined) return undefined;
    const isSame =
      bytes.readBigInt64LE(at + 32) === stamp.ctimeNs &&
      bytes.readBigInt64LE(at + 24) === stamp.mtimeNs &&
      bytes.readBigUInt64LE(at + 16) === stamp.size &&
      bytes.readBigUInt64LE(at) === stamp.dev;
    return isSame ? { digest: digestIn(bytes, at + RECORD_NUMBERS * 8), hasXattrs: bytes[at + 40] === 1 } : undefined;
  }

  /** For the next time. The file had this stamp at `lookedAtNs` or later. */
  remember(seen: Seen, lookedAtNs: bigint): void {
    if (isSettled(seen.ctimeNs, lookedAtNs)) this.#seen.add(seen);
  }

  /** Replaces what was there by what was remembered since. */
  save(whole: SeenFolder | undefined): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const staging = `${this.#path}.${process.pid}.tmp`;
    try {
      // Not flushed: after a power loss it may be damaged, which it tells by itself.
      writeFileSync(staging, encode(this.#seen.bytes, whole, this.#hash), { mode: 0o600 });
      renameSync(staging, this.#path);
    } catch (thrown) {
      rmSync(staging, { force: true });
      throw thrown;
    }
    dropOldest(this.#folder);
  }

  #records(): number[] {
    const count = Math.max(0, (this.#bytes.length - RECORDS_AT) / RECORD_BYTES);
    return Array.from({ length: count }, (_, index) => RECORDS_AT + index * RECORD_BYTES);
  }
}

const digestIn = (bytes: Buffer, at: number): Digest => bytes.toString('hex', at, at + DIGEST_BYTES);
const numberIn = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

function readIntact(path: string, hash: Hash): Buffer {
  try {
    const bytes = readFileSync(path);
    const end = bytes.length - DIGEST_BYTES;
    const isWhole = end >= RECORDS_AT && (end - RECORDS_AT) % RECORD_BYTES === 0;
    if (isWhole && bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
      if (hash.of(bytes.subarray(0, end)) === digestIn(bytes, end)) return bytes.subarray(0, end);
    }
  } catch {
    // Absent, or not to be read: either way everything is read anew.
  }
  return Buffer.alloc(0);
}

/** As they will stand in the file, which takes a sixth of what they take as objects. */
class Records {
  #bytes = Buffer.alloc(RECORD_BYTES * 256);
  #size = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  add({ dev, ino, size, mtimeNs, ctimeNs, hasXattrs, digest }: Seen): void {
    const at = this.#size;
    this.#size += RECORD_BYTES;
    if (this.#size > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    const bytes = this.#bytes;
    bytes.writeBigUInt64LE(dev, at);
    bytes.writeBigUInt64LE(ino, at + 8);
    bytes.writeBigUInt64LE(size, at + 16);
    bytes.writeBigInt64LE(mtimeNs, at + 24);
    bytes.writeBigInt64LE(ctimeNs, at + 32);
    bytes[at + 40] = hasXattrs ? 1 : 0;
    bytes.write(digest, at + RECORD_NUMBERS * 8, 'hex');
  }
}

function encode(records: Buffer, whole: SeenFolder | undefined, hash: Hash): Buffer {
  const end = RECORDS_AT + records.length;
  const bytes = Buffer.alloc(end + DIGEST_BYTES);
  MAGIC.copy(bytes);
  if (whole !== undefined) {
    bytes.write(whole.fingerprint + whole.tree, MAGIC.length, 'hex');
    const numbers = [whole.treeBytes, whole.entries, whole.sizeBytes];
    for (const [index, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), NUMBERS_AT + index * 8);
  }
  records.copy(bytes, RECORDS_AT);
  bytes.write(hash.of(bytes.subarray(0, end)), end, 'hex');
  return bytes;
}

function dropOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= FOLDERS_MAX) return;
  const aged = names.map((name) => ({ name, ms: statSync(join(folder, name)).mtimeMs }));
  const oldest = aged.toSorted((a, b) => a.ms - b.ms).slice(0, names.length - FOLDERS_MAX);
  for (const { name } of oldest) rmSync(join(folder, name), { force: true });
}

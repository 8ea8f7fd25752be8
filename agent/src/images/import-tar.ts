/**
 * A root file system in a tar archive becomes objects and a tree. Nothing is
 * unpacked: contents go from the stream into the store, and names only ever
 * become entries of a tree, so nothing in an archive can reach outside.
 */
import { VoltError } from '@volt/shared/errors';
import {
  ByteReader,
  type ByteString,
  type Digest,
  encodeTree,
  ENTRIES_MAX,
  type Ingest,
  INLINE_BYTES_MAX,
  type Inode,
  isMtime,
  type Kind,
  makeTree,
  shown,
  textOf,
  type Tree,
} from '../store/index.ts';
import { decompressed } from './decompress.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** Uncompressed: an archive that is larger is a mistake, or a bomb. */
export const ARCHIVE_BYTES_MAX = 256 * 2 ** 30;

export interface TarImport {
  readonly source: AsyncIterable<Uint8Array>;
  readonly batch: Ingest;
  readonly signal: AbortSignal;
  /** What becomes of an entry: kept when not given. */
  readonly edit?: ((path: ByteString) => 'keep' | 'drop' | 'empty') | undefined;
  readonly onProgress?: ((progress: { entries: number; sizeBytes: number }) => void) | undefined;
  readonly limits?: { readonly entries: number; readonly sizeBytes: number } | undefined;
}

export interface ImportedTree {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly files: number;
}

const PROGRESS_ENTRIES = 500;

/** Puts the contents and the tree into the batch. Throws INVALID_CONFIG for an archive that is broken or hostile. */
export async function importTree(request: TarImport): Promise<ImportedTree> {
  const { source, batch, signal, edit, limits = { entries: ENTRIES_MAX, sizeBytes: ARCHIVE_BYTES_MAX } } = request;
  const reader = new ByteReader(decompressed(source));
  const inodes = new Map<ByteString, Inode>();
  let entries = 0;
  try {
    for await (const entry of readTar(reader)) {
      signal.throwIfAborted();
      if (++entries > limits.entries) throw bad(`it has more than ${limits.entries} entries`);
      if (reader.position + entry.sizeBytes > limits.sizeBytes)
        throw bad(`it is larger than ${limits.sizeBytes} bytes`);
      if (entries % PROGRESS_ENTRIES === 0) request.onProgress?.({ entries, sizeBytes: reader.position });
      const path = plainPath(entry.name);
      const how = edit?.(path) ?? 'keep';
      if (how === 'drop') continue;
      inodes.set(path, await toInode(how === 'empty' ? { ...entry, sizeBytes: 0 } : entry, { inodes, reader, batch }));
    }
    await drainPadding(reader, signal);
  } finally {
    await reader.close();
  }
  const tree = makeTree(inodes);
  return { digest: await batch.putBytes(encodeTree(tree)), ...totals(tree) };
}

interface Importing {
  readonly inodes: ReadonlyMap<ByteString, Inode>;
  readonly reader: ByteReader;
  readonly batch: Ingest;
}

async function toInode(entry: TarEntry, importing: Importing): Promise<Inode> {
  if (entry.type === 'hardlink') {
    const target = importing.inodes.get(plainPath(entry.linkName));
    if (target !== undefined && target.type !== 'dir') return target;
    throw bad(`'${shown(entry.name)}' is a hard link to '${shown(entry.linkName)}', which is not a file before it`);
  }
  const { mode, uid, gid } = entry;
  if (uid > 0xfffffffe || gid > 0xfffffffe) throw bad(`the owner of '${shown(entry.name)}' is out of range`);
  const xattrs = entry.xattrs.size > 0 && { xattrs: toXattrs(entry) };
  return { ...(await kindOf(entry, importing)), mode, uid, gid, mtime: toMtime(entry), ...xattrs };
}

async function kindOf(entry: TarEntry, { reader, batch }: Importing): Promise<Kind> {
  switch (entry.type) {
    case 'file':
      return { type: 'file', sizeBytes: entry.sizeBytes, digest: await store(entry, reader, batch) };
    case 'symlink':
      return { type: 'symlink', target: entry.linkName };
    case 'chardev':
    case 'blockdev':
      if (entry.major > 0xfff || entry.minor > 0xfffff)
        throw bad(`the numbers of '${shown(entry.name)}' are out of range`);
      return { type: entry.type, major: entry.major, minor: entry.minor };
    case 'dir':
    case 'fifo':
      return { type: entry.type };
    case 'hardlink':
      throw bad('a hard link has no inode of its own');
  }
}

async function store(entry: TarEntry, reader: ByteReader, batch: Ingest): Promise<Digest> {
  if (entry.sizeBytes <= INLINE_BYTES_MAX) {
    const bytes = await reader.read(entry.sizeBytes);
    if (bytes.length < entry.sizeBytes) throw bad('it ends early');
    return batch.putBytes(bytes);
  }
  const { digest, sizeBytes } = await batch.putStream(reader.stream(entry.sizeBytes));
  if (sizeBytes < entry.sizeBytes) throw bad('it ends early');
  return digest;
}

/** Where an entry lies below the root. `.` and doubled slashes mean nothing; `..` and a leading slash are refused. */
function plainPath(name: ByteString): ByteString {
  if (name.startsWith('/')) throw bad(`'${shown(name)}' is an absolute path`);
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw bad(`'${shown(name)}' leads out of the archive`);
  return names.join('/');
}

function toMtime({ mtime, name }: TarEntry): string {
  const [, sign = '', seconds = '', fraction = ''] = /^(-?)0*(\d+)(?:\.(\d*))?$/.exec(mtime) ?? [];
  const places = fraction.slice(0, 9).replace(/0+$/, '');
  const plain = `${sign}${seconds}${places && `.${places}`}`;
  if (!isMtime(plain)) throw bad(`the time of '${shown(name)}' is malformed`);
  return plain === '-0' ? '0' : plain;
}

function toXattrs(entry: TarEntry): Record<string, string> {
  return Object.fromEntries(
    [...entry.xattrs].map(([key, value]) => {
      const name = textOf(key);
      if (name === undefined || name.includes('\0'))
        throw bad(`an attribute of '${shown(entry.name)}' has no proper name`);
      return [name, Buffer.from(value, 'latin1').toString('base64')];
    }),
  );
}

/** What tar appends to fill its last block. Reading it lets the sender end well. */
async function drainPadding(reader: ByteReader, signal: AbortSignal): Promise<void> {
  let padding = 0;
  for await (const chunk of reader.stream(PADDING_BYTES_MAX + 1)) {
    signal.throwIfAborted();
    padding += chunk.length;
  }
  if (padding > PADDING_BYTES_MAX) throw bad('much follows after its end');
}

/** The largest blocking factor of GNU tar in use is far below. */
const PADDING_BYTES_MAX = 64 * 1024 * 1024;

function totals(tree: Tree): { sizeBytes: number; files: number } {
  const files = tree.filter((entry) => entry.type === 'file');
  return { sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0), files: files.length };
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

/** An archive becomes the files of a volume. Throws INVALID_CONFIG for one that is broken or hostile. */
import * as fs from 'node:fs';
import type { SpecialFiles } from '../host/index.ts';
import { ByteReader, type ByteString, shown } from '../store/index.ts';
import { contentsOf, readTar, type TarEntry, UNPACKED_BYTES_MAX } from '../tar/index.ts';
import { bad, Builder } from './builder.ts';
import { writeData } from './write-data.ts';

export interface Unpack {
  /** An archive that is not packed any more. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** An empty folder that nobody else can reach. */
  readonly folder: string;
  readonly specials: SpecialFiles;
  readonly bytesMax?: number | undefined;
  readonly signal: AbortSignal;
  readonly onEntries?: ((entries: number) => Promise<void>) | undefined;
}

const PROGRESS_ENTRIES = 500;
/** What tar appends to fill its last block. */
const PADDING_BYTES_MAX = 64 * 1024 * 1024;

export async function unpack({ archive, folder, specials, signal, ...options }: Unpack): Promise<void> {
  const { bytesMax = UNPACKED_BYTES_MAX, onEntries } = options;
  const builder = new Builder(folder, specials);
  const reader = new ByteReader(archive);
  let sizeBytes = 0;
  try {
    for await (const entry of readTar(reader)) {
      signal.throwIfAborted();
      sizeBytes += entry.sizeBytes;
      if (sizeBytes > bytesMax) throw bad(`its files are larger than ${bytesMax} bytes`);
      await put(entry, plainPath(entry.name), { builder, reader });
      if (builder.entries % PROGRESS_ENTRIES === 0) await onEntries?.(builder.entries);
    }
    await drainPadding(reader, signal);
    builder.finish();
    await onEntries?.(builder.entries);
  } finally {
    await reader.close();
  }
}

async function put(entry: TarEntry, path: ByteString, to: { builder: Builder; reader: ByteReader }): Promise<void> {
  const { builder, reader } = to;
  if (path === '' && entry.type !== 'dir') throw bad(`'${shown(entry.name)}' has no name`);
  switch (entry.type) {
    case 'dir':
      return builder.folder(path, entry);
    case 'file':
      return builder.file(path, entry, (fd) => writeContents(fd, entry, reader));
    case 'symlink':
      return builder.symlink(path, entry.linkName, entry);
    case 'hardlink':
      return builder.link(path, plainPath(entry.linkName));
    case 'fifo':
      return builder.fifo(path, entry);
    default:
      throw bad(`'${shown(entry.name)}' is a device, which a volume cannot hold`);
  }
}

async function writeContents(fd: number, entry: TarEntry, reader: ByteReader): Promise<void> {
  let written = 0;
  for await (const chunk of contentsOf(entry, reader)) {
    writeData(fd, chunk, written);
    written += chunk.length;
  }
  if (written < entry.sizeBytes) throw bad('it ends early');
  fs.ftruncateSync(fd, entry.sizeBytes);
}

/** `.` and doubled slashes mean nothing; `..` and a leading slash are refused. */
function plainPath(name: ByteString): ByteString {
  if (name.startsWith('/')) throw bad(`'${shown(name)}' is an absolute path`);
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw bad(`'${shown(name)}' leads out of the archive`);
  if (name.includes('\0')) throw bad(`'${shown(name)}' has a zero byte in it`);
  return names.join('/');
}

/** Reading it lets the sender end well. */
async function drainPadding(reader: ByteReader, signal: AbortSignal): Promise<void> {
  let padding = 0;
  for await (const chunk of reader.stream(PADDING_BYTES_MAX + 1)) {
    signal.throwIfAborted();
    padding += chunk.length;
  }
  if (padding > PADDING_BYTES_MAX) throw bad('much follows after its end');
}

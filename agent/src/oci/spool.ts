/**
 * The files of an archive that must be read out of order: image archives have
 * their table of contents anywhere. They lie in a folder under numbers; names
 * from the archive never become paths.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type ByteReader, type ByteString, shown } from '../store/index.ts';
import { contentsOf, type TarEntry, UNPACKED_BYTES_MAX } from '../tar/index.ts';
import { DOCUMENT_BYTES_MAX } from './documents.ts';

const FILES_MAX = 20_000;
const LINKS_FOLLOWED_MAX = 8;
const READ_BYTES = 256 * 1024;

interface SpooledFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export class Spool {
  readonly #folder: string;
  readonly #files = new Map<ByteString, SpooledFile>();
  readonly #links = new Map<ByteString, ByteString>();
  #sizeBytes = 0;

  /** The folder exists, is empty, and goes away with its owner. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes every entry of an archive. Throws INVALID_CONFIG for one that is no image archive or has too much in it. */
  async fill(entries: AsyncIterable<TarEntry>, reader: ByteReader, signal: AbortSignal): Promise<void> {
    let count = 0;
    for await (const entry of entries) {
      signal.throwIfAborted();
      if (++count > FILES_MAX) throw bad(`it has more than ${FILES_MAX} entries`);
      const name = plainName(entry.name);
      this.#sizeBytes += entry.sizeBytes;
      if (this.#sizeBytes > UNPACKED_BYTES_MAX) throw bad(`it is larger than ${UNPACKED_BYTES_MAX} bytes`);
      if (entry.type === 'file') await this.#write(name, entry, reader);
      else if (entry.type === 'symlink') this.#links.set(name, posix.join(posix.dirname(name), entry.linkName));
      else if (entry.type === 'hardlink') this.#links.set(name, plainName(entry.linkName));
      else if (entry.type !== 'dir') throw bad(`'${shown(entry.name)}' is neither file nor folder`);
    }
  }

  has(name: ByteString): boolean {
    return this.#find(name) !== undefined;
  }

  /** A document, whole. Throws INVALID_CONFIG where it is not there or too large for one. */
  async document(name: ByteString): Promise<Buffer> {
    const file = this.#need(name);
    if (file.sizeBytes > DOCUMENT_BYTES_MAX) throw bad(`'${shown(name)}' is larger than 4 MiB`);
    return readFile(file.path);
  }

  sizeOf(name: ByteString): number {
    return this.#need(name).sizeBytes;
  }

  /** Throws INVALID_CONFIG where it is not there. */
  open(name: ByteString): AsyncIterable<Uint8Array> {
    return createReadStream(this.#need(name).path, { highWaterMark: READ_BYTES });
  }

  #need(name: ByteString): SpooledFile {
    const file = this.#find(name);
    if (file === undefined) throw bad(`'${shown(name).slice(0, 120)}' is not in it`);
    return file;
  }

  /** Links lead to names of this archive and to nothing else. */
  #find(name: ByteString): SpooledFile | undefined {
    let at = name;
    for (let followed = 0; followed <= LINKS_FOLLOWED_MAX; followed++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#files.get(at);
      at = target;
    }
    return undefined;
  }

  async #write(name: ByteString, entry: TarEntry, reader: ByteReader): Promise<void> {
    const { sizeBytes } = entry;
    const path = join(this.#folder, String(this.#files.size));
    const file = await open(path, 'wx', 0o600);
    try {
      let written = 0;
      for await (const chunk of contentsOf(entry, reader)) {
        await writeAll(file, chunk);
        written += chunk.byteLength;
      }
      if (written < sizeBytes) throw bad('it ends early');
    } finally {
      await file.close();
    }
    if (this.#files.has(name)) throw bad(`'${shown(name)}' is in it twice`);
    this.#files.set(name, { path, sizeBytes });
    this.#links.delete(name);
  }
}

export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
}

/** `./blobs/` and `blobs` are the same. */
const plainName = (name: ByteString): ByteString =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad image archive: ${why}`);

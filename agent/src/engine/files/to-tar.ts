/** Files of a container as a tar archive, in chunks. */
import { type ByteReader, type ByteString, shown } from '../../store/index.ts';
import { END_OF_TAR, paddingOf, tarHeader, type TarEntry } from '../../tar/index.ts';
import { badContents, plainPath } from './names.ts';
import { readRecords } from './records.ts';

export interface TarOptions {
  /** Owners, attributes and the bits that give a program another user; else these are nobody's but the reader's. */
  readonly keepOwner: boolean;
  /** Device nodes, which are nothing outside. */
  readonly devices: boolean;
}

/** Small ones are put together: each chunk is a frame, and a turn of the event loop, of its own. */
const CHUNK_BYTES = 128 * 1024;

const SET_ID_BITS = 0o6000;

export async function* toTar(reader: ByteReader, options: TarOptions): AsyncGenerator<Buffer> {
  const batch = new Batch();
  const folders = new OpenFolders();
  for await (const entry of readRecords(reader)) {
    const named = checked(entry, folders);
    const isDevice = entry.type === 'chardev' || entry.type === 'blockdev';
    if (isDevice && !options.devices) continue;
    yield* batch.add(tarHeader(options.keepOwner ? named : plain(named)));
    if (entry.type !== 'file') continue;
    for await (const chunk of reader.stream(entry.sizeBytes)) yield* batch.add(chunk);
    yield* batch.add(paddingOf(entry.sizeBytes));
  }
  yield* batch.add(END_OF_TAR);
  yield* batch.rest();
}

/** Names that whoever unpacks it can trust: each entry lies in a folder that came before it, and was no link. */
function checked(entry: TarEntry, folders: OpenFolders): TarEntry {
  const path = plainPath(entry.name, badContents);
  if (!folders.holds(path)) throw badContents(`'${shown(path)}' is in no folder`);
  if (entry.type === 'dir') {
    folders.enter(path);
    return { ...entry, name: path === '' ? './' : `${path}/` };
  }
  if (path === '') throw badContents('its root is no folder');
  return entry.type === 'hardlink'
    ? { ...entry, name: path, linkName: plainPath(entry.linkName, badContents) }
    : { ...entry, name: path };
}

const plain = (entry: TarEntry): TarEntry => ({
  ...entry,
  uid: 0,
  gid: 0,
  mode: entry.mode & ~SET_ID_BITS,
  xattrs: new Map(),
});

/** All that is in a folder comes right after it. */
class OpenFolders {
  readonly #open: ByteString[] = [];
  #isFirst = true;

  holds(path: ByteString): boolean {
    if (this.#isFirst) {
      this.#isFirst = false;
      return !path.includes('/');
    }
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    while (this.#open.length > 0 && this.#open.at(-1) !== parent) this.#open.pop();
    return this.#open.length > 0 && path !== '';
  }

  enter(path: ByteString): void {
    this.#open.push(path);
  }
}

class Batch {
  #held: Buffer[] = [];
  #bytes = 0;

  *add(chunk: Buffer): Generator<Buffer> {
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= CHUNK_BYTES) yield* this.rest();
  }

  *rest(): Generator<Buffer> {
    if (this.#bytes > 0) yield Buffer.concat(this.#held);
    this.#held = [];
    this.#bytes = 0;
  }
}

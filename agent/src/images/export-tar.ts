/** A tree as a tar archive. The same tree always gives the same bytes, and importing them gives the same tree. */
import { VoltError } from '@volt/shared/errors';
import {
  type ByteString,
  decodeTree,
  type Digest,
  fromText,
  INLINE_BYTES_MAX,
  type Inode,
  type Store,
  type TreeEntry,
} from '../store/index.ts';
import { END_OF_TAR, paddingOf, tarHeader, type TarEntry } from '../tar/index.ts';

const CHUNK_BYTES = 256 * 1024;

export interface TreeExport {
  readonly store: Store;
  readonly tree: Digest;
  readonly signal: AbortSignal;
}

/** Ends with an error where contents are damaged or missing, so that nobody takes what came for all of it. */
export async function* exportTar({ store, tree, signal }: TreeExport): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const inodes = new Map<ByteString, Inode>();
  for (const entry of decodeTree(store.objects.read(tree))) {
    signal.throwIfAborted();
    if (entry.type !== 'dir' && entry.type !== 'hardlink') inodes.set(entry.path, entry);
    const parts: Uint8Array[] = [tarHeader(toTarEntry(entry, inodes))];
    if (entry.type === 'file' && entry.sizeBytes > INLINE_BYTES_MAX) {
      yield Buffer.concat([...held, ...parts]);
      held = [];
      yield* largeContents(store, entry.digest, entry.sizeBytes);
      parts.length = 0;
      heldBytes = 0;
    } else if (entry.type === 'file') {
      parts.push(smallContents(store, entry.digest, entry.sizeBytes));
    }
    if (entry.type === 'file') parts.push(paddingOf(entry.sizeBytes));
    for (const part of parts) heldBytes += part.byteLength;
    held.push(...parts);
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  yield Buffer.concat([...held, END_OF_TAR]);
}

function toTarEntry(entry: TreeEntry, inodes: ReadonlyMap<ByteString, Inode>): TarEntry {
  // Of a hard link, tar wants the metadata of the file as well.
  const inode = entry.type === 'hardlink' ? inodes.get(entry.target) : entry;
  if (inode === undefined) throw new VoltError('INVALID_CONFIG', 'Bad file tree: a hard link leads nowhere');
  const isDevice = inode.type === 'chardev' || inode.type === 'blockdev';
  const linkName = entry.type === 'hardlink' || entry.type === 'symlink' ? entry.target : '';
  return {
    name: entry.type === 'dir' ? `${entry.path || '.'}/` : entry.path,
    type: entry.type,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    mtime: inode.mtime,
    sizeBytes: entry.type === 'file' ? entry.sizeBytes : 0,
    linkName,
    major: isDevice && entry.type !== 'hardlink' ? inode.major : 0,
    minor: isDevice && entry.type !== 'hardlink' ? inode.minor : 0,
    xattrs: entry.type === 'hardlink' ? new Map() : toXattrs(inode),
  };
}

const toXattrs = ({ xattrs = {} }: Inode): Map<ByteString, ByteString> =>
  new Map(
    Object.entries(xattrs).map(([name, value]) => [fromText(name), Buffer.from(value, 'base64').toString('latin1')]),
  );

function smallContents(store: Store, digest: Digest, sizeBytes: number): Buffer {
  const bytes = store.objects.read(digest);
  if (bytes.length !== sizeBytes) throw damaged(digest);
  return bytes;
}

async function* largeContents(store: Store, digest: Digest, sizeBytes: number): AsyncGenerator<Buffer> {
  const object = await store.objects.open(digest);
  if (object === undefined || object.sizeBytes !== sizeBytes) throw damaged(digest);
  const hasher = store.objects.hash.start();
  try {
    for await (const chunk of object.chunks) {
      hasher.update(chunk);
      yield chunk as Buffer;
    }
    if (hasher.end() !== digest) throw damaged(digest);
  } finally {
    hasher.dispose();
  }
}

const damaged = (digest: Digest): VoltError =>
  new VoltError('DEPENDENCY', `Object ${digest} is damaged or missing`, { hint: 'volt image verify, volt cas repair' });

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
  type Tree,
} from '../store/index.ts';
import { END_OF_TAR, paddingOf, tarHeader, type TarEntry } from '../tar/index.ts';

const CHUNK_BYTES = 256 * 1024;

export interface TreeExport {
  readonly store: Store;
  readonly tree: Digest;
  readonly signal: AbortSignal;
}

export const exportTar = ({ store, tree, signal }: TreeExport): AsyncGenerator<Buffer> =>
  exportTree({ store, tree: decodeTree(store.objects.read(tree)), signal });

/** Ends with an error where contents are damaged or missing, so that nobody takes what came for all of it. */
export async function* exportTree({
  store,
  tree,
  signal,
}: Omit<TreeExport, 'tree'> & { readonly tree: Tree }): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (const { header, contents } of tarEntries(tree)) {
    signal.throwIfAborted();
    const parts: Uint8Array[] = [header];
    if (contents !== undefined && contents.sizeBytes > INLINE_BYTES_MAX) {
      yield Buffer.concat([...held, header]);
      held = [];
      heldBytes = 0;
      yield* largeContents(store, contents);
      parts.length = 0;
    } else if (contents !== undefined) {
      parts.push(smallContents(store, contents));
    }
    if (contents !== undefined) parts.push(paddingOf(contents.sizeBytes));
    for (const part of parts) heldBytes += part.byteLength;
    held.push(...parts);
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  yield Buffer.concat([...held, END_OF_TAR]);
}

interface Contents {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * All that is in a folder comes right after it: tar sets the times of a folder
 * when it leaves it, and must not come back. Of the names of one file the
 * first that comes has the contents.
 */
function* tarEntries(tree: Tree): Generator<{ readonly header: Buffer; readonly contents: Contents | undefined }> {
  const inodes = new Map<ByteString, Inode>();
  const firstNames = new Map<ByteString, ByteString>();
  for (const entry of tree) if (entry.type !== 'dir' && entry.type !== 'hardlink') inodes.set(entry.path, entry);
  const keys = new Map(tree.map((entry) => [entry, entry.path.replaceAll('/', '\0')]));
  for (const entry of [...tree].toSorted((a, b) => ((keys.get(a) ?? '') < (keys.get(b) ?? '') ? -1 : 1))) {
    if (entry.type === 'dir') {
      yield { header: tarHeader(toTarEntry(`${entry.path || '.'}/`, entry)), contents: undefined };
      continue;
    }
    const file = entry.type === 'hardlink' ? entry.target : entry.path;
    const inode = inodes.get(file);
    if (inode === undefined) throw new VoltError('INVALID_CONFIG', 'Bad file tree: a hard link leads nowhere');
    const first = firstNames.get(file);
    firstNames.set(file, first ?? entry.path);
    const contents = first === undefined && inode.type === 'file' ? inode : undefined;
    yield { header: tarHeader(toTarEntry(entry.path, inode, first)), contents };
  }
}

/** With `linkTo`, one more name of a file that has come already. */
function toTarEntry(name: ByteString, inode: Inode, linkTo?: ByteString): TarEntry {
  const { mode, uid, gid, mtime } = inode;
  const metadata = { name, mode, uid, gid, mtime, sizeBytes: 0, linkName: '', major: 0, minor: 0 };
  // Of one more name, tar wants the metadata of the file as well.
  if (linkTo !== undefined) return { ...metadata, type: 'hardlink', linkName: linkTo, xattrs: new Map() };
  const own = { ...metadata, type: inode.type, xattrs: toXattrs(inode) };
  if (inode.type === 'file') return { ...own, sizeBytes: inode.sizeBytes };
  if (inode.type === 'symlink') return { ...own, linkName: inode.target };
  if (inode.type === 'chardev' || inode.type === 'blockdev') {
    return { ...own, major: inode.major, minor: inode.minor };
  }
  return own;
}

const toXattrs = ({ xattrs = {} }: Inode): Map<ByteString, ByteString> =>
  new Map(
    Object.entries(xattrs).map(([name, value]) => [fromText(name), Buffer.from(value, 'base64').toString('latin1')]),
  );

function smallContents(store: Store, { digest, sizeBytes }: Contents): Buffer {
  const bytes = store.objects.read(digest);
  if (bytes.length !== sizeBytes) throw damaged(digest);
  return bytes;
}

async function* largeContents(store: Store, { digest, sizeBytes }: Contents): AsyncGenerator<Buffer> {
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

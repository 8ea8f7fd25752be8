/** A tar archive on its way into a container, as the stream that is unpacked inside. */
import { ByteReader, type ByteString, fromText, shown } from '../../store/index.ts';
import { contentsOf, decompressed, readTar, type TarEntry } from '../../tar/index.ts';
import { badArchive, plainPath, renamed } from './names.ts';
import { encodeEnd, encodeRecord } from './records.ts';

export interface TarSource {
  /** Plain, gzip or zstd. */
  readonly source: AsyncIterable<Uint8Array>;
  /** What its first name is to be. */
  readonly as?: string | undefined;
  readonly keepOwner: boolean;
}

export interface Copied {
  entries: number;
  sizeBytes: number;
}

const IDS_MAX = 0xfffffffe;

/** With these an overlay takes a file for a deletion or for another one. */
const OVERLAY_XATTR = /^(?:trusted|user)\.overlay\./;

/** Throws INVALID_CONFIG for an archive that is broken or hostile. Counts what it has handed out. */
export async function* fromTar({ source, as, keepOwner }: TarSource, copied: Copied): AsyncGenerator<Buffer> {
  const first = as === undefined ? undefined : fromText(as);
  const reader = new ByteReader(decompressed(source));
  try {
    for await (const entry of readTar(reader)) {
      const named = toRecord(entry, first, keepOwner);
      if (named === undefined) continue;
      yield encodeRecord(named);
      if (named.type === 'file') {
        for await (const chunk of contentsOf(entry, reader)) {
          copied.sizeBytes += chunk.length;
          yield chunk;
        }
      }
      copied.entries++;
    }
    yield encodeEnd();
    await reader.drain();
  } finally {
    await reader.close();
  }
}

/** Undefined for the root of the archive: the folder that is unpacked into stays as it is. */
function toRecord(entry: TarEntry, as: ByteString | undefined, keepOwner: boolean): TarEntry | undefined {
  const name = renamed(plainPath(entry.name, badArchive), as);
  if (name === '') return undefined;
  if (entry.type === 'chardev' || entry.type === 'blockdev') {
    throw badArchive(`'${shown(entry.name)}' is a device, and no container may make one`);
  }
  if (entry.uid > IDS_MAX || entry.gid > IDS_MAX)
    throw badArchive(`the owner of '${shown(entry.name)}' is out of range`);
  if ([...entry.xattrs.keys()].some((key) => OVERLAY_XATTR.test(key))) {
    throw badArchive(`'${shown(entry.name)}' carries an attribute of overlayfs`);
  }
  const linkName = entry.type === 'hardlink' ? renamed(plainPath(entry.linkName, badArchive), as) : entry.linkName;
  return { ...entry, name, linkName, ...(keepOwner ? {} : { uid: 0, gid: 0, xattrs: new Map() }) };
}

/** Where in a tree certain objects are, read line by line so that memory stays flat. */
import { type ByteString, type Digest, fromBytes, fromText, shown } from '../store/index.ts';

const NEWLINE = 0x0a;
/** `,"digest":"…"}`: only the line of a file ends so. */
const DIGEST_AT_END = /,"digest":"([0-9a-f]{64}|[0-9a-f]{128})"\}$/;

/** A file of a tree, as far as its line tells. */
export interface FileLine {
  readonly path: ByteString;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** The files of an encoded tree; those whose digest is not `wanted` are left out before they are parsed. */
export async function* fileLines(
  chunks: AsyncIterable<Uint8Array>,
  wanted: (digest: Digest) => boolean = () => true,
): AsyncGenerator<FileLine> {
  let rest = '';
  for await (const chunk of chunks) {
    // Digests, keys and quotes are ASCII, so bytes may stand for characters until a line is parsed.
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end === -1) {
      rest += bytes.toString('latin1');
      continue;
    }
    const lines = (rest + bytes.toString('latin1', 0, end)).split('\n');
    rest = bytes.toString('latin1', end + 1);
    for (const line of lines) {
      const digest = DIGEST_AT_END.exec(line)?.[1];
      if (digest !== undefined && wanted(digest)) yield parse(line);
    }
  }
}

function parse(line: string): FileLine {
  const { path, pathBytes, digest, sizeBytes } = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as {
    path?: string;
    pathBytes?: string;
    digest: Digest;
    sizeBytes: number;
  };
  return {
    path: path === undefined ? fromBytes(Buffer.from(pathBytes ?? '', 'base64')) : fromText(path),
    digest,
    sizeBytes,
  };
}

/** For reports: a path as people know it, from the root of the image. */
export const shownPath = (path: ByteString): string => `/${shown(path)}`;

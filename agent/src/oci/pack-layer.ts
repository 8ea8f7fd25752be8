/** Packs an archive into the only layer of an image, in a file, with the digests that its documents need. */
import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { OciDigest } from './digest.ts';
import { mediaTypes } from './documents.ts';
import { writeAll } from './spool.ts';

const CHUNK_BYTES = 256 * 1024;

export type Packing = 'none' | 'gzip' | 'zstd';

export interface PackedLayer {
  readonly path: string;
  readonly mediaType: string;
  readonly digest: OciDigest;
  readonly size: number;
  /** Of the archive before it was packed. */
  readonly diffId: OciDigest;
}

const suffixes: Readonly<Record<Packing, string>> = { none: '', gzip: '+gzip', zstd: '+zstd' };

/** The file must not exist. */
export async function packLayer(
  archive: AsyncIterable<Uint8Array>,
  packing: Packing,
  path: string,
): Promise<PackedLayer> {
  const plainHash = createHash('sha256');
  const packedHash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of packed(hashed(archive, plainHash), packing)) {
      packedHash.update(chunk);
      size += chunk.byteLength;
      await writeAll(file, chunk);
    }
  } finally {
    await file.close();
  }
  const [diffId, digest] = [plainHash, packedHash].map((hash): OciDigest => `sha256:${hash.digest('hex')}`);
  return { path, mediaType: `${mediaTypes.layer}${suffixes[packing]}`, digest: digest!, size, diffId: diffId! };
}

/** An archive, packed while it is read. */
export async function* packed(archive: AsyncIterable<Uint8Array>, packing: Packing): AsyncGenerator<Uint8Array> {
  if (packing === 'none') {
    yield* archive;
    return;
  }
  const source = Readable.from(archive, { objectMode: false });
  const packer: NodeJS.ReadWriteStream & AsyncIterable<Buffer> =
    packing === 'gzip' ? createGzip({ chunkSize: CHUNK_BYTES }) : createZstdCompress({ chunkSize: CHUNK_BYTES });
  source.on('error', (error) => void packer.emit('error', error));
  try {
    yield* source.pipe(packer);
  } finally {
    source.destroy();
  }
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

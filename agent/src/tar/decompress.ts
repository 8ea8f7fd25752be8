/** Plain, gzip or zstd: told from the first bytes, not from a file name. */
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { VoltError } from '@volt/shared/errors';
import { ByteReader } from '../store/index.ts';

/** What is larger when it is unpacked is a mistake, or a bomb. */
export const UNPACKED_BYTES_MAX = 256 * 2 ** 30;
/** Beyond this much, what unpacks to this many times its size is a bomb: archives of programs reach 10. */
const FREE_BYTES = 2 ** 30;
const RATIO_MAX = 200;

const MAGIC_BYTES = 6;
/** What comes out at once; Node's own 16 KiB cost more in turns of the event loop than the unpacking. */
const CHUNK_BYTES = 256 * 1024;

const starts = { gzip: '1f8b', zstd: '28b52ffd', xz: 'fd377a585a00', bzip2: '425a68' };

export interface Limits {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly ratio: number;
}

const usual: Limits = { bytes: UNPACKED_BYTES_MAX, freeBytes: FREE_BYTES, ratio: RATIO_MAX };

/** Throws INVALID_CONFIG for what is damaged, cut short, packed in another way or unpacks to more than it may. */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  limits: Limits = usual,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source);
  try {
    const magic = await reader.read(MAGIC_BYTES);
    const hex = magic.toString('hex');
    const [format] = Object.entries(starts).find(([, start]) => hex.startsWith(start)) ?? ['plain'];
    const packed = rejoined(magic, reader);
    if (format === 'plain') yield* packed;
    else if (format === 'gzip')
      yield* watched(unpacked(packed, createGunzip({ chunkSize: CHUNK_BYTES })), reader, limits);
    else if (format === 'zstd')
      yield* watched(unpacked(packed, createZstdDecompress({ chunkSize: CHUNK_BYTES })), reader, limits);
    else {
      throw new VoltError('INVALID_CONFIG', `Archives packed with ${format} are not read`, {
        hint: 'unpack it, or pack it with gzip or zstd',
      });
    }
  } finally {
    await reader.close();
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  packed: { readonly position: number },
  { bytes, freeBytes, ratio }: Limits,
): AsyncGenerator<Uint8Array> {
  let unpackedBytes = 0;
  for await (const chunk of chunks) {
    unpackedBytes += chunk.byteLength;
    if (unpackedBytes > bytes) throw bomb(`more than ${bytes} bytes`);
    if (unpackedBytes > freeBytes + packed.position * ratio) throw bomb(`more than ${ratio} times its size`);
    yield chunk;
  }
}

const bomb = (what: string): VoltError => new VoltError('INVALID_CONFIG', `Bad archive: it unpacks to ${what}`);

async function* rejoined(first: Uint8Array, reader: ByteReader): AsyncGenerator<Uint8Array> {
  yield first;
  yield* reader.stream(Number.MAX_SAFE_INTEGER);
}

async function* unpacked(
  packed: AsyncIterable<Uint8Array>,
  unpacker: NodeJS.ReadWriteStream,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(packed, { objectMode: false });
  source.on('error', (error) => void unpacker.emit('error', error));
  try {
    for await (const chunk of source.pipe(unpacker)) yield chunk as Buffer;
  } catch (cause) {
    if (isPackingError(cause))
      throw new VoltError('INVALID_CONFIG', 'The compressed archive is damaged or cut short', { cause });
    throw cause;
  } finally {
    source.destroy();
  }
}

/** zlib's own errors, as opposed to those of the source. */
const isPackingError = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(String(thrown.code));

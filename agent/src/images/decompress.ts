/** Plain, gzip or zstd: told from the first bytes, not from a file name. */
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { VoltError } from '@volt/shared/errors';
import { ByteReader } from '../store/index.ts';

const MAGIC_BYTES = 6;

const starts = { gzip: '1f8b', zstd: '28b52ffd', xz: 'fd377a585a00', bzip2: '425a68' };

export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source);
  try {
    const magic = await reader.read(MAGIC_BYTES);
    const hex = magic.toString('hex');
    const [format] = Object.entries(starts).find(([, start]) => hex.startsWith(start)) ?? ['plain'];
    if (format === 'plain') yield* rejoined(magic, reader);
    else if (format === 'gzip') yield* unpacked(rejoined(magic, reader), createGunzip());
    else if (format === 'zstd') yield* unpacked(rejoined(magic, reader), createZstdDecompress());
    else {
      throw new VoltError('INVALID_CONFIG', `Archives packed with ${format} are not read`, {
        hint: 'unpack it, or pack it with gzip or zstd',
      });
    }
  } finally {
    await reader.close();
  }
}

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

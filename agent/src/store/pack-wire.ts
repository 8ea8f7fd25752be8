/**
 * What goes over the wire, packed with zstd where that pays: pieces that do not
 * get smaller are sent as they are. Either way each piece is a zstd frame of
 * its own, so whoever reads zstd can read it.
 */
import { promisify } from 'node:util';
import { constants, createZstdDecompress, zstdCompress } from 'node:zlib';
import { pipeline, type Readable } from 'node:stream';

const compress = promisify(zstdCompress);

const PIECE_BYTES = 256 * 1024;
/** The fastest that packs well: level 3 takes more than twice the time for 6 % less. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** What gets less than this much smaller is not worth unpacking. */
const WORTH = 0.95;
/** What a reader has to hold to unpack a frame, as a power of two. Ours need less. */
const WINDOW_LOG_MAX = 23;

export async function* packForWire(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // One piece is packed while the one before it is on its way.
  let next: Promise<Uint8Array> | undefined;
  for await (const piece of inPieces(chunks)) {
    const ready = next;
    next = pack(piece);
    // Awaited a turn later, or never where the reader has gone.
    next.catch(() => {});
    if (ready !== undefined) yield await ready;
  }
  // Not even zstd takes nothing for an answer.
  yield next === undefined ? asFrame(new Uint8Array()) : await next;
}

/** What `packForWire` packed, or whoever packs with zstd. An error of the line is one of the stream. */
export function unpackFromWire(packed: Readable): AsyncIterable<Uint8Array> {
  const unpacking = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX } });
  // The reader hears of what went wrong through the stream that it reads.
  return pipeline(packed, unpacking, () => {});
}

async function pack(piece: Uint8Array): Promise<Uint8Array> {
  const packed = await compress(piece, options);
  return packed.byteLength < piece.byteLength * WORTH ? packed : asFrame(piece);
}

async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
  }
}

const MAGIC = 0xfd2fb528;
/** Of a frame's head: its length follows in four bytes, and no checksum does. */
const SINGLE_SEGMENT_LENGTH_4 = 0xa0;
const FRAME_HEAD_BYTES = 9;
const BLOCK_HEAD_BYTES = 3;
const BLOCK_BYTES_MAX = 128 * 1024;

/** A zstd frame of raw blocks (RFC 8878, 3.1.1). */
function asFrame(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32LE(MAGIC);
  head.writeUInt8(SINGLE_SEGMENT_LENGTH_4, 4);
  head.writeUInt32LE(bytes.byteLength, 5);
  const parts: Uint8Array[] = [head];
  for (let at = 0; at === 0 || at < bytes.byteLength; at += BLOCK_BYTES_MAX) {
    const block = bytes.subarray(at, at + BLOCK_BYTES_MAX);
    const isLast = at + BLOCK_BYTES_MAX >= bytes.byteLength;
    const blockHead = Buffer.alloc(BLOCK_HEAD_BYTES);
    blockHead.writeUIntLE(block.byteLength * 8 + (isLast ? 1 : 0), 0, BLOCK_HEAD_BYTES);
    parts.push(blockHead, block);
  }
  return Buffer.concat(parts);
}

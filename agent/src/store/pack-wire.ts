/**
 * What goes over the wire, packed with zstd as long as that pays: pieces that
 * do not get smaller are sent as they are, and so is the rest of an answer whose
 * line is faster than the packing. Either way each piece is a zstd frame of its
 * own, so whoever reads zstd can read it.
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
/** A line is judged by so many pieces, and one that was judged slow again after as many. */
const PIECES_JUDGED = 8;
/** What a reader has to hold to unpack a frame, as a power of two. Ours need less. */
const WINDOW_LOG_MAX = 23;

/** Who waited for whom, in milliseconds. */
interface Waits {
  line: number;
  packing: number;
  pieces: number;
}

export async function* packForWire(
  chunks: AsyncIterable<Uint8Array>,
  nowMs: () => number = performance.now.bind(performance),
): AsyncGenerator<Uint8Array> {
  let waits: Waits = { line: 0, packing: 0, pieces: 0 };
  let isWorthIt = true;
  // One piece is packed while the one before it is on its way.
  let next: Promise<Uint8Array> | undefined;
  for await (const piece of inPieces(chunks)) {
    const ready = next;
    next = isWorthIt ? pack(piece) : Promise.resolve(asFrame(piece));
    if (ready === undefined) continue;
    const began = nowMs();
    const packed = await ready;
    const packedAt = nowMs();
    yield packed;
    waits.packing += packedAt - began;
    waits.line += nowMs() - packedAt;
    if (++waits.pieces < PIECES_JUDGED) continue;
    if (waits.packing > waits.line) isWorthIt = false;
    waits = { line: 0, packing: 0, pieces: 0 };
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

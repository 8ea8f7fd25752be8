/**
 * Objects on the wire. A request is a list of digests; the answer is one frame
 * for each, in the order asked:
 *
 *   32 bytes   the digest; 64 where it is SHA-512, which the asker knows
 *   8 bytes    length, unsigned, big-endian; 2^64 - 1 means "not here"
 *   length     the contents
 *
 * A request for one object may ask for the rest of it from a place on; the
 * length is that of all of it then, and the contents begin at that place.
 *
 * The receiver checks every object against its digest before it is stored, so
 * a peer can refuse or waste time and nothing else.
 */
import { rmSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import { ByteReader } from './byte-reader.ts';
import { type Digest, checkDigest } from './digest.ts';
import type { Arrival, Incoming } from './incoming.ts';
import { INLINE_BYTES_MAX } from './ingest.ts';
import type { Objects } from './objects.ts';
import type { Put } from './publisher.ts';

/** Digests in one request: 128 KiB of hex, or twice that. */
export const REQUEST_DIGESTS_MAX = 2048;

/** An object larger than this is a mistake or an attack. */
export const OBJECT_BYTES_MAX = 2 ** 40;

const LENGTH_BYTES = 8;
const ABSENT = 2n ** 64n - 1n;

/** Small objects are sent together in chunks of about this size. */
const SEND_BYTES = 256 * 1024;

/**
 * The answer to one request, in chunks for the wire; `from` is for a request for one object. Throws USAGE before the
 * first for a malformed request.
 */
export function serveObjects(objects: Objects, digests: readonly string[], from = 0): AsyncIterable<Uint8Array> {
  if (digests.length > REQUEST_DIGESTS_MAX) {
    throw new VoltError('USAGE', `More than ${REQUEST_DIGESTS_MAX} objects in one request`);
  }
  if (from > 0 && digests.length !== 1) throw new VoltError('USAGE', 'Only of one object can a part be asked for');
  for (const digest of digests) checkDigest(digest);
  return frames(objects, digests, from);
}

async function* frames(objects: Objects, digests: readonly Digest[], from: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (const digest of digests) {
    const small = from > 0 ? undefined : objects.readSmall(digest, SEND_BYTES);
    const large = small === undefined ? await objects.open(digest, from) : undefined;
    held.push(head(digest, small?.byteLength ?? large?.sizeBytes));
    if (small !== undefined) held.push(small);
    heldBytes += headBytes(digest) + (small?.byteLength ?? 0);
    if (heldBytes >= SEND_BYTES || large !== undefined) {
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
    if (large !== undefined) yield* large.chunks;
  }
  if (held.length > 0) yield Buffer.concat(held);
}

function head(digest: Digest, sizeBytes: number | undefined): Buffer {
  const bytes = Buffer.alloc(headBytes(digest));
  bytes.write(digest, 'hex');
  bytes.writeBigUInt64BE(sizeBytes === undefined ? ABSENT : BigInt(sizeBytes), bytes.length - LENGTH_BYTES);
  return bytes;
}

const headBytes = (digest: Digest): number => digest.length / 2 + LENGTH_BYTES;

export interface Received {
  readonly digest: Digest;
  /** Undefined where the peer does not have it. */
  readonly sizeBytes: number | undefined;
}

export interface Asked {
  readonly digests: readonly Digest[];
  /** Where the answer begins in the one object that was asked for. */
  readonly from?: number | undefined;
}

/** Where objects go: large ones arrive in files that stay when the line is cut, all end in a batch. */
export interface Receiver {
  readonly incoming: Incoming;
  readonly into: (put: Put) => Promise<void>;
}

/**
 * Reads the answer to a request into a batch, and reports each object as it is
 * in. Throws NETWORK for anything that is not such an answer.
 */
export async function* receiveObjects(
  chunks: AsyncIterable<Uint8Array>,
  { digests, from = 0 }: Asked,
  receiver: Receiver,
): AsyncGenerator<Received> {
  const reader = new ByteReader(chunks);
  try {
    for (const digest of digests) {
      const bytes = await reader.read(headBytes(digest));
      if (bytes.length < headBytes(digest)) throw broken('it ended early');
      const lengthAt = bytes.length - LENGTH_BYTES;
      if (bytes.toString('hex', 0, lengthAt) !== digest) throw broken('it holds what was not asked for');
      const length = bytes.readBigUInt64BE(lengthAt);
      if (length === ABSENT) {
        yield { digest, sizeBytes: undefined };
        continue;
      }
      if (length > BigInt(OBJECT_BYTES_MAX)) throw broken('an object is too large');
      const sizeBytes = Number(length);
      await receiveOne(reader, { digest, sizeBytes, from }, receiver);
      yield { digest, sizeBytes };
    }
    if ((await reader.read(1)).length > 0) throw broken('it does not end');
  } finally {
    await reader.close();
  }
}

async function receiveOne(reader: ByteReader, arrival: Arrival, { incoming, into }: Receiver): Promise<void> {
  const { digest, sizeBytes, from } = arrival;
  if (from > 0 || sizeBytes > INLINE_BYTES_MAX) {
    const path = await incoming.receive(arrival, reader.stream(sizeBytes - from));
    return into(async (batch) => {
      // Somebody may have imported it meanwhile.
      if (batch.relyOn(digest, sizeBytes)) rmSync(path, { force: true });
      else batch.adopt(digest, sizeBytes, path);
      return sizeBytes;
    });
  }
  const bytes = await reader.read(sizeBytes);
  if (bytes.length < sizeBytes) throw broken('it ended early');
  return into(async (batch) => {
    await batch.putBytes(bytes, { expected: digest });
    return sizeBytes;
  });
}

const broken = (why: string): VoltError => new VoltError('NETWORK', `The answer of a peer is broken: ${why}`);

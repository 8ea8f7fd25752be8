import { Readable } from 'node:stream';
import type { Caller } from '@volt/shared/server';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { isDigest, packForWire, REQUEST_DIGESTS_MAX } from '../store/index.ts';

/** A digest in hexadecimal, SHA-512 at the longest, and the end of its line. */
const BODY_BYTES_MAX = REQUEST_DIGESTS_MAX * 129;
/** Of a number of bytes: more digits than the largest object has are no place in any. */
const FROM_DIGITS_MAX = 13;
/** What waits for the line. Objects come in chunks of about as much. */
const WAITING_BYTES = 256 * 1024;

/** Frames of the transfer protocol for these digests, in order; of one of them, from a place on. */
export type ServeObjects = (digests: readonly string[], from: number) => AsyncIterable<Uint8Array>;

export interface ObjectServer {
  readonly identify: (request: IncomingMessage) => Caller | undefined;
  readonly serve: ServeObjects;
}

/**
 * `POST /objects`: a digest a line in, frames of objects out. For nodes and
 * controllers of the cluster only: images hold what their owners put there.
 *
 * `Range: bytes=N-` in a request for one object asks for the rest of it, and is
 * answered with status 206. `Accept-Encoding: zstd` allows for packing.
 */
export function addObjectsRoute(app: FastifyInstance, { identify, serve }: ObjectServer): void {
  app.addContentTypeParser('text/plain', { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );
  app.post('/objects', async (request, reply) => {
    const caller = identify(request.raw);
    if (caller === undefined) return reply.code(401).send();
    if (!caller.roles.some((role) => role === 'node' || role === 'controller' || role === 'admin')) {
      return reply.code(403).send();
    }
    const digests = ((request.body as string | undefined) ?? '').split('\n').filter(Boolean);
    if (digests.length > REQUEST_DIGESTS_MAX || !digests.every(isDigest)) return reply.code(400).send();
    const from = digests.length === 1 ? startOf(request.headers.range) : 0;
    if (from > 0) reply.code(206);
    const frames = serve(digests, from);
    reply.type('application/octet-stream');
    if (!acceptsZstd(request.headers['accept-encoding'])) return reply.send(inBytes(frames));
    return reply.header('content-encoding', 'zstd').send(inBytes(packForWire(frames)));
  });
}

/** A range of another kind is left aside, as HTTP has it. */
function startOf(range: string | undefined): number {
  const [, from = '0'] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  return from.length > FROM_DIGITS_MAX ? 0 : Number(from);
}

const acceptsZstd = (header: unknown): boolean =>
  typeof header === 'string' && header.split(',').some((one) => one.trim() === 'zstd');

/** Of bytes and not of chunks, or Node would read 16 of them ahead. */
const inBytes = (chunks: AsyncIterable<Uint8Array>): Readable =>
  Readable.from(chunks, { objectMode: false, highWaterMark: WAITING_BYTES });

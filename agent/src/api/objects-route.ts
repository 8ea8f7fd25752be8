import { Readable } from 'node:stream';
import { Digest } from '@volt/shared/model';
import type { Caller } from '@volt/shared/server';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { REQUEST_DIGESTS_MAX } from '../store/index.ts';

/** A digest in hexadecimal and the end of its line. */
const BODY_BYTES_MAX = REQUEST_DIGESTS_MAX * 65;

export interface ObjectServer {
  readonly identify: (request: IncomingMessage) => Caller | undefined;
  /** Frames of the transfer protocol for these digests, in order. */
  readonly serve: (digests: readonly string[]) => AsyncIterable<Uint8Array>;
}

/**
 * `POST /objects`: a digest a line in, frames of objects out. For nodes and
 * controllers of the cluster only: images hold what their owners put there.
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
    const isSound = digests.length <= REQUEST_DIGESTS_MAX && digests.every((one) => Digest.safeParse(one).success);
    if (!isSound) return reply.code(400).send();
    return reply.type('application/octet-stream').send(Readable.from(serve(digests)));
  });
}

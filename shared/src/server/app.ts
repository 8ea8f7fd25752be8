import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { VoltError } from '../errors/index.ts';
import type { MethodTable } from '../rpc/index.ts';
import { addRpcRoute } from './rpc-route.ts';
import type { Service } from './service.ts';
import { addStreamRoute } from './stream-route.ts';

/** A caller that opens a connection and says nothing is dropped after this long. */
const HEADERS_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 4096;

/** A server with no routes yet, strict about what it lets in. `https` in `options` makes it a TLS server. */
export function createApp(options: FastifyServerOptions<Server> & { https?: object } = {}): FastifyInstance {
  const app = Fastify({
    // Ours to say: what leaves this server is JSON-RPC or a bare status.
    logger: false,
    // The method table has its own; fastify would load a compiler of JSON schemas that no route has.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    forceCloseConnections: true,
    requestTimeout: 0,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0 },
    ...options,
  } as FastifyServerOptions) as unknown as FastifyInstance;
  app.server.maxConnections = CONNECTIONS_MAX;
  app.server.headersTimeout = HEADERS_TIMEOUT_MS;
  // Streams last as long as they last.
  app.server.requestTimeout = 0;

  // The standard wants malformed JSON answered by JSON-RPC, so bodies come in as text.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    void reply.code(error.statusCode ?? 500).send();
  });
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send());
  app.get('/healthz', async () => ({ ok: true }));
  return app;
}

/** Has a TLS server show another certificate to whoever comes from here on. */
export function showAgain(
  app: FastifyInstance,
  { ca, cert, key }: Readonly<Record<'ca' | 'cert' | 'key', string>>,
): void {
  (app.server as unknown as TlsServer).setSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' });
}

/** Serves a method table: `<prefix>/rpc` and `<prefix>/stream`. */
export function addService<T extends MethodTable>(app: FastifyInstance, service: Service<T>, prefix = ''): void {
  app.register(
    async (scope) => {
      addRpcRoute(scope, service);
      addStreamRoute(scope, service);
    },
    { prefix },
  );
}

function noSchemas(): never {
  throw new VoltError('GENERAL', 'Routes have no schemas: the method table checks what comes in and goes out');
}

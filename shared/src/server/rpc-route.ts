import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { JSONRPCServer } from 'json-rpc-2.0';
import { toVoltError, VoltError } from '../errors/index.ts';
import { dispatch, unknownMethod, type MethodTable } from '../rpc/index.ts';
import { BATCH_MAX, failure, isRequest, RPC_BODY_BYTES_MAX, type RpcResponse } from '../wire/index.ts';
import type { Caller } from './caller.ts';
import type { Service } from './service.ts';

interface Context {
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

const parseError = new VoltError('USAGE', 'Parse error: the body is not JSON', { rpc: -32700 });
const invalidRequest = new VoltError('USAGE', 'Invalid request: not a JSON-RPC 2.0 request', { rpc: -32600 });
const batchTooLarge = new VoltError('USAGE', `A batch may hold ${BATCH_MAX} requests`, { rpc: -32600 });

/**
 * `POST <prefix>/rpc`: single, batch and notification, JSON-RPC 2.0 sections 4
 * to 6. Every answer is a 200, or a 204 where the standard wants none.
 */
export function addRpcRoute<T extends MethodTable>(app: FastifyInstance, service: Service<T>): void {
  const server = rpcServer(service);

  app.post('/rpc', { bodyLimit: RPC_BODY_BYTES_MAX }, async (request: FastifyRequest, reply: FastifyReply) => {
    const caller = service.identify(request.raw);
    if (caller === undefined) return reply.code(401).send();
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const answer = await answerBody(server, request.body, { caller, signal: gone.signal });
    if (answer === null) return reply.code(204).send();
    return reply.header('content-type', 'application/json').send(JSON.stringify(answer));
  });
}

/** Methods of the table, answered through dispatch; the library keeps to the frames of the standard. */
function rpcServer<T extends MethodTable>(service: Service<T>): JSONRPCServer<Context> {
  const server = new JSONRPCServer<Context>({ errorListener: () => {} });
  server.mapErrorToJSONRPCErrorResponse = (id, thrown: unknown) =>
    failure(id, reported(service, thrown)) as ReturnType<typeof server.mapErrorToJSONRPCErrorResponse>;

  for (const [name, row] of Object.entries(service.table)) {
    server.addMethod(name, async (params: unknown, { caller, signal }) => {
      if (row.event !== undefined) throw isStream(name);
      return service.pending.track({ method: name, caller: caller.name, since: Date.now() }, () =>
        dispatch(service, { method: name, params, caller, signal, emit: noEvents, input: noInput() }),
      );
    });
  }
  server.addMethod('rpc.discover', () => service.discover());
  return server;
}

async function answerBody(
  server: JSONRPCServer<Context>,
  body: unknown,
  context: Context,
): Promise<RpcResponse | RpcResponse[] | null> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body as string);
  } catch {
    return failure(null, parseError);
  }
  if (!Array.isArray(parsed)) return answerOne(server, parsed, context);
  if (parsed.length === 0) return failure(null, invalidRequest);
  if (parsed.length > BATCH_MAX) return failure(null, batchTooLarge);
  // The library answers a batch of one with a bare object; section 6 wants an array.
  const answers = await Promise.all(parsed.map((one) => answerOne(server, one, context)));
  const sent = answers.filter((answer) => answer !== null);
  return sent.length === 0 ? null : sent;
}

async function answerOne(server: JSONRPCServer<Context>, one: unknown, context: Context): Promise<RpcResponse | null> {
  if (!isRequest(one)) return failure(null, invalidRequest);
  if (!server.hasMethod(one.method)) return one.id === undefined ? null : failure(one.id, unknownMethod(one.method));
  if (Array.isArray(one.params)) {
    const error = new VoltError('USAGE', 'Params go by name, not by position', { rpc: -32602 });
    return one.id === undefined ? null : failure(one.id, error);
  }
  return server.receive(one, context);
}

/** Errors nobody foresaw are logged here with their cause, since only their code leaves the machine. */
export function reported<T extends MethodTable>(service: Service<T>, thrown: unknown): VoltError {
  const error = toVoltError(thrown);
  if (error.code === 'GENERAL') service.log.error({ err: error.cause ?? error }, 'A request failed unexpectedly');
  return error;
}

const isStream = (name: string) =>
  new VoltError('USAGE', `'${name}' is a stream`, { rpc: -32602, hint: 'send it to /stream as a line of JSON' });

const noEvents = async () => {};

async function* noInput(): AsyncGenerator<never> {}

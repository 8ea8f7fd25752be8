import type { FastifyInstance } from 'fastify';
import type { Handlers, MethodTable } from '../../rpc/index.ts';
import { addService, authorize, createApp, identifyByCertificate, PendingCalls, type Caller } from '../index.ts';

export interface ServedTable<T extends MethodTable> {
  readonly table: T;
  readonly handlers: Handlers<T, Caller>;
  readonly identity: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly address: string;
  readonly port: number;
}

/** Serves a table to holders of a certificate. `more` may add routes before it listens. */
export async function serveTls<T extends MethodTable>(
  { table, handlers, identity, address, port }: ServedTable<T>,
  more: (app: FastifyInstance) => void = () => {},
): Promise<AsyncDisposable> {
  const app = createApp({ https: { ...identity, requestCert: true, rejectUnauthorized: true } });
  addService(app, {
    table,
    handlers,
    door: { authorize, record: (_caller, _attempt, work) => work() },
    identify: identifyByCertificate,
    pending: new PendingCalls(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    discover: () => ({}),
  });
  more(app);
  await app.listen({ host: address, port });
  return { [Symbol.asyncDispose]: () => app.close() };
}

import { createConnection } from 'node:net';
import { VoltError } from '@volt/shared/errors';
import { createApp, type ForwardTarget } from '@volt/shared/server';
import type { FastifyInstance } from 'fastify';

export interface TlsIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A server that speaks only to holders of a certificate of our CA: others do not get past the handshake. */
export function createTlsApp({ ca, cert, key }: TlsIdentity): FastifyInstance {
  return createApp({ https: { ca, cert, key, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } });
}

const PROBE_TIMEOUT_MS = 1000;

/**
 * Where requests to the cluster go: the first controller that accepts a
 * connection, this node's own first. NETWORK when none does.
 */
export async function reachController(controllers: readonly string[], identity: TlsIdentity): Promise<ForwardTarget> {
  for (const endpoint of controllers) {
    const [host = '', port = ''] = endpoint.split(':');
    if (await accepts(host, Number(port))) {
      return { host, port: Number(port), tls: { ...identity, servername: '', minVersion: 'TLSv1.3' } };
    }
  }
  throw new VoltError('NETWORK', 'No controller of the cluster answers', { hint: 'systemctl status volt-controller' });
}

async function accepts(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ host, port, timeout: PROBE_TIMEOUT_MS });
  socket.once('connect', () => resolve(true));
  socket.once('timeout', () => resolve(false));
  socket.once('error', () => resolve(false));
  const isThere = await promise;
  socket.destroy();
  return isThere;
}

/**
 * The controller's door, one TLS port. Holders of a certificate of our CA get
 * the table and, through `/nodes/<node>/…`, every agent. Anybody may knock at
 * `/enroll`, where a join token is what counts.
 */
import { controllerMethods, openRpc, type ControllerMethods, type Handlers } from '@volt/shared/rpc';
import { ENROLL_PATH } from '@volt/shared/pki';
import { version } from '@volt/shared/program';
import {
  addForward,
  addService,
  ANONYMOUS,
  createApp,
  doorOf,
  identifyUnlessRevoked,
  showAgain,
  type AuditTrail,
  type Caller,
  type Log,
  type PendingCalls,
  type Revoked,
  type Service,
} from '@volt/shared/server';
import { VoltError } from '@volt/shared/errors';

export interface ApiPorts {
  readonly handlers: Handlers<ControllerMethods, Caller>;
  readonly audit: AuditTrail;
  readonly pending: PendingCalls;
  readonly log: Log;
  readonly identity: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly revoked: Revoked;
  readonly listen: { readonly address: string; readonly port: number };
  /** Where each node's agent listens. */
  readonly agents: () => Promise<readonly { readonly name: string; readonly address: string }[]>;
  readonly agentPort: number;
}

export interface Api {
  close(): Promise<void>;
  /** Shows strangers what the identity is at this moment. */
  renewed(): void;
}

export async function openApi(ports: ApiPorts): Promise<Api> {
  const { ca, cert, key } = ports.identity;
  // Strangers get past the handshake here, because one that wants to join has no certificate yet.
  const https = { ca, cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' };
  const app = createApp({ https });
  const identify = identifyUnlessRevoked(ports.revoked);
  addService(app, serviceOf(ports, controllerMethods, identify));
  addService(
    app,
    serviceOf(ports, enrollTable, () => ANONYMOUS),
    ENROLL_PATH.replace(/\/rpc$/, ''),
  );
  addForward(app, '/nodes/:node', {
    identify,
    target: async ({ node = '' }) => ({
      host: await addressOf(ports, node),
      port: ports.agentPort,
      tls: { ...ports.identity, servername: '', minVersion: 'TLSv1.3' },
    }),
  });
  await app.listen({ host: ports.listen.address, port: ports.listen.port });
  return { close: () => app.close(), renewed: () => showAgain(app, ports.identity) };
}

/** All that somebody without a certificate can reach. */
const enrollTable = { 'cluster.enroll': controllerMethods['cluster.enroll'] };

function serviceOf<T extends Partial<ControllerMethods>>(
  { handlers, audit, pending, log }: ApiPorts,
  table: T,
  identify: (request: Parameters<Service<ControllerMethods>['identify']>[0]) => Caller | undefined,
) {
  return {
    table: table as unknown as ControllerMethods,
    handlers,
    identify,
    pending,
    log,
    door: doorOf(audit),
    discover: () => openRpc(table, { title: 'Volt controller', version }),
  } satisfies Service<ControllerMethods>;
}

async function addressOf(ports: ApiPorts, node: string): Promise<string> {
  const found = (await ports.agents()).find(({ name }) => name === node);
  if (found !== undefined) return found.address;
  throw new VoltError('NOT_FOUND', `There is no node '${node.slice(0, 64)}'`, { hint: 'volt node list' });
}

/**
 * The agent's doors: the unix socket for this machine, the TLS port for the
 * cluster. Both serve the same table; they differ in how they know who asks.
 */
import type { FastifyInstance } from 'fastify';
import { VoltError } from '@volt/shared/errors';
import { agentMethods, openRpc, type AgentMethods, type Handlers } from '@volt/shared/rpc';
import { version } from '@volt/shared/program';
import {
  addForward,
  addService,
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
import { addObjectsRoute, type ServeObjects } from './objects-route.ts';
import { identifyBySocket, listenOnSocket } from './socket.ts';
import { createTlsApp, reachController, type TlsIdentity } from './tls.ts';

export interface ApiPorts {
  readonly handlers: Handlers<AgentMethods, Caller>;
  readonly audit: AuditTrail;
  readonly pending: PendingCalls;
  readonly log: Log;
  readonly socket: { readonly path: string; readonly handedOver: number | undefined };
  /** Null on a machine that is in no cluster: there is no TLS port then, and nothing to pass requests on to. */
  readonly cluster: ClusterDoor | null;
}

export interface ClusterDoor {
  readonly identity: TlsIdentity;
  readonly revoked: Revoked;
  readonly address: string;
  readonly port: number;
  /** As `address:port`. */
  readonly controllers: readonly string[];
  readonly serveObjects: ServeObjects;
}

export interface Api {
  /** Answers no new requests and drops those that do not end by themselves, such as logs that are followed. */
  close(): Promise<void>;
  /** Shows strangers what the door's identity is at this moment. Connections that are open stay as they are. */
  renewed(): void;
}

export async function openApi(ports: ApiPorts): Promise<Api> {
  const onSocket = createApp();
  const identify = identifyBySocket();
  addService(onSocket, serviceOf(ports, identify));
  addControllerForwards(onSocket, ports.cluster, identify);
  const apps = [onSocket];
  let renewed = () => {};

  if (ports.cluster !== null) {
    const { identity, address, port, serveObjects } = ports.cluster;
    const byCertificate = identifyUnlessRevoked(ports.cluster.revoked);
    const onTls = createTlsApp(identity);
    addService(onTls, serviceOf(ports, byCertificate));
    addObjectsRoute(onTls, { identify: byCertificate, serve: serveObjects });
    await onTls.listen({ host: address, port });
    apps.push(onTls);
    renewed = () => showAgain(onTls, identity);
  }
  // Last: whoever comes through the socket finds everything else in place.
  await listenOnSocket(onSocket, ports.socket.path, ports.socket.handedOver);
  return { close: async () => void (await Promise.all(apps.map(close))), renewed: () => renewed() };
}

/** The framework knows nothing of a socket that was handed over, and would wait for what is open on it. */
async function close(app: FastifyInstance): Promise<void> {
  app.server.close();
  app.server.closeAllConnections();
  await app.close();
}

function serviceOf(ports: ApiPorts, identify: Service<AgentMethods>['identify']): Service<AgentMethods> {
  const { handlers, audit, pending, log } = ports;
  return {
    table: agentMethods,
    handlers,
    identify,
    pending,
    log,
    door: doorOf(audit),
    discover: () => openRpc(agentMethods, { title: 'Volt agent', version }),
  };
}

/** `/controller/…` and `/controller/nodes/<node>/…`: the cluster, through any node's socket. */
function addControllerForwards(
  app: ReturnType<typeof createApp>,
  cluster: ClusterDoor | null,
  identify: Service<AgentMethods>['identify'],
): void {
  const reach = async () => {
    if (cluster !== null) return reachController(cluster.controllers, cluster.identity);
    throw new VoltError('DEPENDENCY', 'This machine is in no cluster', { hint: 'volt cluster init' });
  };
  addForward(app, '/controller', { identify, target: reach });
  addForward(app, '/controller/nodes/:node', {
    identify,
    target: async ({ node = '' }) => ({ ...(await reach()), prefix: `/nodes/${encodeURIComponent(node)}` }),
  });
}

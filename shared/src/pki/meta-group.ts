/** The meta group over NATS's system account, with credentials made for the occasion. */
import { credsAuthenticator, connect, type NatsConnection } from '@nats-io/transport-node';
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';
import type { ClusterIdentity, ControllerIdentity } from './identity.ts';
import { systemCredentials } from './nats-auth.ts';

/** The group of servers that agrees on what streams there are. */
export interface MetaGroup {
  /** Throws NETWORK while there is no leader. */
  state(): Promise<MetaState>;
  /** Names of all servers that can be reached from ours, its own included, in the group or not. */
  reachable(): Promise<readonly string[]>;
  /** Has another server lead. */
  stepDown(): Promise<void>;
  /** Takes a server out for good. One that is not in it succeeds. Never the leader: see decision 9. */
  remove(server: string): Promise<void>;
}

export interface MetaState {
  readonly leader: string;
  /** Names of the servers that are up to date, the leader's included. */
  readonly current: readonly string[];
  /** Of how many more than half must agree. */
  readonly size: number;
}

const REQUEST_TIMEOUT_MS = 2000;
/** Neighbours answer within milliseconds, or are not reachable in any useful sense. */
const GATHER_MS = 1000;
/** From the server's errors.json: the peer to remove is not a member. */
const NOT_A_MEMBER = 10044;

const Report = z.object({
  data: z.object({
    meta_cluster: z
      .object({
        leader: z.string().optional(),
        cluster_size: z.int(),
        replicas: z.array(z.object({ name: z.string(), current: z.boolean() })).optional(),
      })
      .optional(),
  }),
});
const Named = z.object({ server: z.object({ name: z.string() }) });
const Removal = z.object({ error: z.object({ err_code: z.int() }).optional() });

/** Connects for each call: it is called seldom, and a line to the system account is best not left open. */
export function connectMetaGroup(
  identity: ClusterIdentity & { readonly controller: ControllerIdentity },
  now: () => Date,
): MetaGroup {
  const request = (subject: string, body: object) =>
    withConnection(identity, now(), (nats) => ask(nats, subject, body));
  return {
    async state() {
      // Only the leader's report lists the others.
      const report = Report.safeParse(await request('$SYS.REQ.SERVER.PING.JSZ', { leader_only: true }));
      const group = report.success ? report.data.data.meta_cluster : undefined;
      if (group?.leader === undefined) throw new VoltError('NETWORK', "The cluster's NATS servers have no leader");
      const replicas = (group.replicas ?? []).filter((replica) => replica.current);
      const current = [group.leader, ...replicas.map((replica) => replica.name)];
      return { leader: group.leader, current, size: group.cluster_size };
    },
    async reachable() {
      const answers = await withConnection(identity, now(), (nats) => askAll(nats, '$SYS.REQ.SERVER.PING.IDZ'));
      return answers.flatMap((answer) => {
        const named = Named.safeParse(answer);
        return named.success ? [named.data.server.name] : [];
      });
    },
    async stepDown() {
      await request('$JS.API.META.LEADER.STEPDOWN', {});
    },
    async remove(server) {
      const { error } = Removal.parse(await request('$JS.API.SERVER.REMOVE', { peer: server }));
      if (error === undefined || error.err_code === NOT_A_MEMBER) return;
      throw new VoltError('DEPENDENCY', `NATS did not let go of server '${server}' (${error.err_code})`);
    },
  };
}

async function withConnection<T>(
  { config, ca, cert, key, controller }: ClusterIdentity & { readonly controller: ControllerIdentity },
  now: Date,
  act: (nats: NatsConnection) => Promise<T>,
): Promise<T> {
  const credentials = new TextEncoder().encode(await systemCredentials(controller.nats, now));
  try {
    const nats = await connect({
      servers: config.servers,
      tls: { ca, cert, key, handshakeFirst: true },
      authenticator: credsAuthenticator(credentials),
      timeout: REQUEST_TIMEOUT_MS,
      reconnect: false,
    });
    try {
      return await act(nats);
    } finally {
      await nats.close();
    }
  } catch (thrown) {
    if (thrown instanceof VoltError) throw thrown;
    throw new VoltError('NETWORK', "The cluster's NATS servers cannot be asked", { cause: thrown });
  }
}

async function ask(nats: NatsConnection, subject: string, body: object): Promise<unknown> {
  const reply = await nats.request(subject, JSON.stringify(body), { timeout: REQUEST_TIMEOUT_MS });
  return reply.json();
}

/** Every answer that comes in time. */
async function askAll(nats: NatsConnection, subject: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  const options = { strategy: 'timer', maxWait: GATHER_MS } as const;
  for await (const reply of await nats.requestMany(subject, '', options)) answers.push(reply.json());
  return answers;
}

/** The meta group over NATS's system account, with credentials made for the occasion. */
import { credsAuthenticator, connect, type NatsConnection } from '@nats-io/transport-node';
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';
import type { ClusterIdentity, ControllerIdentity } from './identity.ts';
import { systemCredentials } from './nats-auth.ts';
import { peerIdOf } from './nats-config.ts';

/** The group of servers that agrees on what streams there are. */
export interface MetaGroup {
  /** Throws NETWORK while there is no leader. */
  state(): Promise<MetaState>;
  /** Names of all servers that can be reached from ours, its own included, in the group or not. */
  reachable(): Promise<readonly string[]>;
  /** Has another server lead. */
  stepDown(): Promise<void>;
  /**
   * Takes a server out for good, by its id. One that is not in it succeeds. Never the leader: see decision 9.
   * Another server leads afterwards.
   */
  remove(peer: string): Promise<void>;
}

export interface MetaPeer {
  /** By which it is counted; see peerIdOf. */
  readonly id: string;
  readonly isOnline: boolean;
}

export interface MetaState {
  readonly leader: string;
  /** Names of the servers that are up to date, the leader's included. */
  readonly current: readonly string[];
  /** All servers that are counted on, the leader included. */
  readonly peers: readonly MetaPeer[];
  /** Of how many more than half must agree. */
  readonly size: number;
}

const REQUEST_TIMEOUT_MS = 2000;
/** Neighbours answer within milliseconds, or are not reachable in any useful sense. */
const GATHER_MS = 1000;
/** Servers answer the leader's heartbeat, which comes every second. */
const SILENT_NS_MAX = 5e9;
/** For the others to hear of a removal before its leader goes. */
const REMOVAL_MS = 500;
/** From the server's errors.json: the peer to remove is not a member. */
const NOT_A_MEMBER = 10044;

const MetaReplica = z.object({
  name: z.string(),
  current: z.boolean(),
  offline: z.boolean().default(false),
  /** Nanoseconds since the leader heard from it; 0 when it never did. */
  active: z.number().default(0),
  peer: z.string(),
});
type MetaReplica = z.output<typeof MetaReplica>;

const Report = z.object({
  data: z.object({
    meta_cluster: z
      .object({
        leader: z.string().optional(),
        cluster_size: z.int(),
        replicas: z.array(MetaReplica).optional(),
      })
      .optional(),
  }),
});
const Named = z.object({ name: z.string() });
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
      const replicas = group.replicas ?? [];
      const current = replicas.filter((replica) => replica.current && isOnline(replica)).map(({ name }) => name);
      const others = replicas.map((replica) => ({ id: replica.peer, isOnline: isOnline(replica) }));
      return {
        leader: group.leader,
        current: [group.leader, ...current],
        peers: [{ id: peerIdOf(group.leader), isOnline: true }, ...others],
        size: group.cluster_size,
      };
    },
    async reachable() {
      const answers = await withConnection(identity, now(), (nats) => askAll(nats, '$SYS.REQ.SERVER.PING.IDZ'));
      return answers.flatMap((answer) => {
        const named = Named.safeParse(answer);
        return named.success ? [named.data.name] : [];
      });
    },
    async stepDown() {
      await request('$JS.API.META.LEADER.STEPDOWN', {});
    },
    async remove(peer) {
      const { error } = Removal.parse(await request('$JS.API.SERVER.REMOVE', { peer: '', peer_id: peer }));
      if (error?.err_code === NOT_A_MEMBER) return;
      if (error !== undefined) {
        throw new VoltError('DEPENDENCY', `NATS did not let go of server '${peer}' (${error.err_code})`);
      }
      // A leader does not write down what it takes out; as a follower it is told by the next one, and does.
      await new Promise((resolve) => setTimeout(resolve, REMOVAL_MS));
      await request('$JS.API.META.LEADER.STEPDOWN', {});
    },
  };
}

/** NATS calls a server offline only once it said goodbye, or minutes later. */
function isOnline({ offline, active, current }: MetaReplica): boolean {
  return !offline && (active === 0 ? current : active < SILENT_NS_MAX);
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

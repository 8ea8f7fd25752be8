/**
 * The controller: one on each of the first nodes of a cluster. All of them
 * answer; the one that holds the lease decides.
 */
import { randomUUID } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';
import {
  bucketNames,
  connectCluster,
  permissionsFor,
  systemClock,
  type ClusterConnection,
  type Kv,
} from '@volt/shared/kv';
import {
  connectMetaGroup,
  loadClusterIdentity,
  type ClusterIdentity,
  type ControllerIdentity,
  isWitness,
  type MetaGroup,
  RevokedKeys,
  liveTls,
  type TlsIdentity,
} from '@volt/shared/pki';
import { version } from '@volt/shared/program';
import { openDaemon, sentenceFirst } from '@volt/shared/daemon';
import { controllerHandlers, openApi } from './api/index.ts';
import { Cluster, patientKv, readable, Sightings } from './cluster/index.ts';
import { createEnroll, membersOnKv, revokedOnKv, tokensOnKv, turnsOnKv, type EnrollPorts } from './enroll/index.ts';
import { leaver, removalPorts } from './wire-removal.ts';
import { runController } from './reconcilers/index.ts';
import { imageResolver } from './resolve-image.ts';
import { followIdentity } from './wire-identity.ts';
import { runServers } from './wire-servers.ts';

const LOG_PATH = '/var/log/volt/controller.log';
/** The agent's own; a line is one write to a file opened for appending, so the two do not mix. */
const AUDIT_PATH = '/var/log/volt/audit.log';

type ControllersIdentity = ClusterIdentity & { readonly controller: ControllerIdentity };

export async function main(_argv: readonly string[]): Promise<number> {
  const identity = await requireController();
  const daemon = openDaemon({ log: LOG_PATH, audit: AUDIT_PATH });
  const { settings, log, audit, pending, stop } = daemon;
  const { config } = identity;

  const line = openLine(identity);
  const { kv } = line;
  // For people, who would rather wait for an election than be told of it.
  const patient = patientKv(kv, systemClock);
  const live = liveTls(identity);
  const { tls } = live;
  const agentPort = settings['agent.port'];
  const agents = async () => readable(await patient.list('nodes')).map(({ name, address }) => ({ name, address }));
  const sightings = new Sightings();
  const resolveImage = imageResolver({ identity: tls, agentPort, agents });
  const cluster = new Cluster({ kv: patient, buckets: line.buckets, clock: systemClock, sightings, resolveImage });
  const revoked = await RevokedKeys.load();
  const enrolling = {
    ...enrollPorts(withLive(identity, tls), patient),
    certificateSeconds: settings['certificates.seconds'],
  };
  const enroll = createEnroll({ ...enrolling, ...removalPorts({ cluster, kv: patient, buckets: line.buckets }) });

  const decider = { node: config.node, session: randomUUID(), clock: systemClock, sightings, log: sentenceFirst(log) };
  const deciding = runController(
    { ...decider, kv, buckets: line.buckets, isGrown: () => isGrown(enrolling.meta) },
    stop.signal,
  );
  const serving = runServers(
    { ...enrolling, refuse: (keys) => revoked.replace(keys), permissionsFor, log },
    stop.signal,
  );
  const handlers = controllerHandlers({
    cluster,
    enroll,
    leave: leaver(tls, agentPort),
    node: config.node,
    clusterName: config.cluster,
    changes: (signal) => changesOf(kv, signal),
  });
  const listen = { address: config.address, port: settings['controller.port'] };
  const doors = { identity: tls, revoked, listen, agents, agentPort };
  const api = await openApi({ handlers, audit, pending, log, ...doors });
  const { creds } = identity.controller;
  const following = followIdentity({ tls: live, credentials: creds, line, api, log }, stop.signal);
  log.info({ version, node: config.node, cluster: config.cluster }, 'Controller is ready');

  await daemon.stopped;
  log.info({}, 'Controller stops');
  await daemon.drain();
  await api.close();
  await Promise.all([deciding, serving, following]);
  await line.close();
  await daemon.close();
  return 0;
}

async function requireController(): Promise<ControllersIdentity> {
  const identity = await loadClusterIdentity();
  if (identity === null || identity.controller === null) {
    throw new VoltError('DEPENDENCY', 'This machine is no controller of a cluster', { hint: 'volt cluster init' });
  }
  return { ...identity, controller: identity.controller };
}

/** The same node, with what it shows as of each moment. */
const withLive = (identity: ControllersIdentity, tls: TlsIdentity): ControllersIdentity => ({
  ...identity,
  get ca() {
    return tls.ca;
  },
  get cert() {
    return tls.cert;
  },
  get key() {
    return tls.key;
  },
});

function enrollPorts(identity: ControllersIdentity, kv: Kv): EnrollPorts {
  const now = () => new Date();
  return {
    identity,
    members: membersOnKv(kv),
    tokens: tokensOnKv(kv),
    turns: turnsOnKv(kv, now),
    revoked: revokedOnKv(kv, now),
    meta: connectMetaGroup(identity, now),
    clock: systemClock,
    now,
  };
}

async function isGrown(meta: MetaGroup): Promise<boolean> {
  const { current, size } = await meta.state();
  return current.length === size && !current.some((server) => isWitness(server));
}

function openLine({ config, ca, cert, key, controller }: ControllersIdentity): ClusterConnection {
  return connectCluster({
    servers: config.servers,
    tls: { ca, cert, key },
    credentials: controller.creds,
    node: config.node,
    role: 'controller',
  });
}

/** Rings for a change in any bucket, at most once for many. */
async function* changesOf(kv: Kv, signal: AbortSignal): AsyncGenerator<void> {
  let ring = Promise.withResolvers<void>();
  const wake = () => ring.resolve();
  for (const bucket of bucketNames) kv.watch(bucket, undefined, wake, signal);
  signal.addEventListener('abort', wake);
  while (!signal.aborted) {
    await ring.promise;
    ring = Promise.withResolvers();
    if (!signal.aborted) yield;
  }
}

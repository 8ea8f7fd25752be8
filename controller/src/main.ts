/**
 * The controller: one on each of the first nodes of a cluster. All of them
 * answer; the one that holds the lease decides.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { VoltError } from '@volt/shared/errors';
import { bucketNames, connectCluster, permissionsFor, systemClock, type Kv } from '@volt/shared/kv';
import { connectMetaGroup, loadClusterIdentity, type ClusterIdentity, type ControllerIdentity } from '@volt/shared/pki';
import { version } from '@volt/shared/program';
import { dump, loadSettings, onSignals, openLog, type DaemonLog } from '@volt/shared/daemon';
import { AuditTrail, PendingCalls } from '@volt/shared/server';
import { controllerHandlers, openApi } from './api/index.ts';
import { Cluster, patientKv, readable, Sightings } from './cluster/index.ts';
import { createEnroll, membersOnKv, tokensOnKv } from './enroll/index.ts';
import { runController } from './reconcilers/index.ts';
import { imageResolver } from './resolve-image.ts';
import { runServers } from './wire-servers.ts';

const LOG_PATH = '/var/log/volt/controller.log';
/** The agent's own; a line is one write to a file opened for appending, so the two do not mix. */
const AUDIT_PATH = '/var/log/volt/audit.log';
/** Requests that have not ended by then are dropped. */
const DRAIN_MS = 5000;

export async function main(_argv: readonly string[]): Promise<number> {
  let settings = loadSettings();
  const identity = await requireController();
  const log = openLog(LOG_PATH, settings['log.level']);
  const audit = new AuditTrail(AUDIT_PATH);
  const pending = new PendingCalls();
  const stop = new AbortController();
  const { config, ca, cert, key } = identity;

  const line = connectCluster({
    servers: config.servers,
    tls: { ca, cert, key },
    credentials: identity.controller.creds,
    node: config.node,
    role: 'controller',
  });
  const { kv } = line;
  // For people, who would rather wait for an election than be told of it.
  const patient = patientKv(kv, systemClock);
  const tls = { ca, cert, key };
  const agentPort = settings['agent.port'];
  const agents = async () => readable(await patient.list('nodes')).map(({ name, address }) => ({ name, address }));
  const sightings = new Sightings();
  const resolveImage = imageResolver({ identity: tls, agentPort, agents });
  const cluster = new Cluster({ kv: patient, clock: systemClock, sightings, resolveImage });
  const members = membersOnKv(patient);
  const enroll = createEnroll({ identity, members, tokens: tokensOnKv(patient), now: () => new Date() });

  const unhook = onSignals({
    stop: () => stop.abort(),
    reload: () => {
      settings = reload(log) ?? settings;
      log.setLevel(settings['log.level']);
    },
    rotate: () => {
      log.reopen();
      audit.close().catch((err: unknown) => log.error({ err }, 'The audit trail could not be closed'));
    },
    dump: () => dump(log, pending),
  });
  const deciding = runController(
    {
      node: config.node,
      session: randomUUID(),
      kv,
      buckets: line.buckets,
      clock: systemClock,
      sightings,
      log: {
        info: (sentence, fields) => log.info(fields, sentence),
        warn: (sentence, fields) => log.warn(fields, sentence),
      },
    },
    stop.signal,
  );
  const meta = connectMetaGroup(identity, () => new Date());
  const serving = runServers({ identity, members, meta, permissionsFor, log }, stop.signal);
  const api = await openApi({
    handlers: controllerHandlers({
      cluster,
      enroll,
      node: config.node,
      clusterName: config.cluster,
      changes: (signal) => changesOf(kv, signal),
    }),
    audit,
    pending,
    log,
    identity: tls,
    listen: { address: config.address, port: settings['controller.port'] },
    agents,
    agentPort,
  });
  log.info({ version, node: config.node, cluster: config.cluster }, 'Controller is ready');

  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  log.info({}, 'Controller stops');
  await pending.drain(DRAIN_MS);
  await api.close();
  await Promise.all([deciding, serving]);
  await line.close();
  await audit.close();
  unhook();
  log.flush();
  return 0;
}

async function requireController(): Promise<ClusterIdentity & { controller: ControllerIdentity }> {
  const identity = await loadClusterIdentity();
  if (identity === null || identity.controller === null) {
    throw new VoltError('DEPENDENCY', 'This machine is no controller of a cluster', { hint: 'volt cluster init' });
  }
  return { ...identity, controller: identity.controller };
}

function reload(log: DaemonLog) {
  try {
    return loadSettings();
  } catch (err) {
    log.error({ err }, 'The settings are wrong; the old ones stay');
    return undefined;
  }
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

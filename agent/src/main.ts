/**
 * voltd, the agent: builds the ports, wires the rooms, starts and stops them.
 * `volt daemon` runs it; `volt daemon install` makes this machine a node.
 */
import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { openDaemon, type Settings } from '@volt/shared/daemon';
import { toVoltError, exitCode, VoltError } from '@volt/shared/errors';
import { connectCluster, type ClusterConnection } from '@volt/shared/kv';
import { liveTls, loadClusterIdentity, RevokedKeys, type ClusterIdentity, type TlsIdentity } from '@volt/shared/pki';
import { asset, version } from '@volt/shared/program';
import { SystemBus } from '@volt/shared/systemd';
import {
  casHandlers,
  clusterHandlers,
  containerFilesHandlers,
  containerHandlers,
  givenHandlers,
  imageHandlers,
  volumeHandlers,
  nodeHandlers,
  openApi,
  hostNodeName,
} from './api/index.ts';
import { createBootstrap, renewedRow, type Renewal } from './bootstrap/index.ts';
import { install } from './daemon/index.ts';
import { createEngine, type Engine } from './engine/index.ts';
import { HealthBook, HealthMonitor } from './health/index.ts';
import {
  BusSystemd,
  faultsOf,
  holdLock,
  kernelProcesses,
  unixSockets,
  listenFds,
  NodeFiles,
  NodePrograms,
  notify,
  releaseSpareMemory,
  systemClock,
  systemJournal,
  watchdogIntervalMs,
} from './host/index.ts';
import { createNetwork, type Network } from './network/index.ts';
import { bootstrapPorts } from './wire-bootstrap.ts';
import { openCas } from './wire-cas.ts';
import { forgetCluster, runMember } from './wire-cluster.ts';
import { openGiven, type OpenGiven } from './wire-given.ts';
import { openImages, type OpenImages } from './wire-images.ts';
import { openVolumes, type OpenVolumes } from './wire-volumes.ts';
import { nodeFacts } from './wire-node.ts';
import { openRenewal, useIdentity, type ShownBy } from './wire-renewal.ts';

const SOCKET_PATH = '/run/volt/volt.sock';
const PID_PATH = '/run/volt/volt.pid';
const LOCK_PATH = '/run/volt/locks/daemon.lock';
const INSTALL_LOCK_PATH = '/run/volt/locks/install.lock';
const LOG_PATH = '/var/log/volt/daemon.log';
const AUDIT_PATH = '/var/log/volt/audit.log';
/** So that an answer on its way out is not cut off by our own restart. */
const RESTART_DELAY_MS = 200;
const SPARE_MEMORY_EVERY_MS = 5000;

export async function main([verb]: readonly string[]): Promise<number> {
  try {
    return verb === 'install' ? await installHere() : await run();
  } catch (thrown) {
    const { code, message, hint } = toVoltError(thrown);
    process.stderr.write(`error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    if (code === 'GENERAL') throw thrown;
    return exitCode(code);
  }
}

async function installHere(): Promise<number> {
  const report = (line: string) => void process.stdout.write(`${line}\n`);
  const ports = { files: new NodeFiles(), programs: new NodePrograms(), program: ownPath(), report };
  // Two would write the same units, each with its own idea of where the program is.
  const lock = holdLock(INSTALL_LOCK_PATH, 'An installation');
  try {
    await install(ports, new AbortController().signal);
  } finally {
    lock.release();
  }
  return 0;
}

/** Everything that lives as long as the agent, in the order in which it is built. */
async function run(): Promise<number> {
  const handedOver = listenFds();
  // Two agents would take each other's socket, and both act on the same containers.
  const lock = holdLock(LOCK_PATH, 'An agent');
  const daemon = openDaemon({ log: LOG_PATH, audit: AUDIT_PATH });
  const { settings, log, audit, pending, stop } = daemon;
  writeFileSync(PID_PATH, `${process.pid}\n`);

  const bus = new SystemBus();
  const host = hostPorts(bus);
  const bootstrap = bootstrapOf(host, settings, () => engine);
  // A join that the last run did not complete makes no member.
  await bootstrap.clearHalfMade();
  const identity = await loadClusterIdentity();
  const line = identity === null ? null : openLine(identity);
  const revoked = await RevokedKeys.load();
  const renewal = openRenewal({ ...host, identity, revoked, settings, log });
  const { live, tls } = shownHere(identity);
  const images = await openImages({ programs: host.programs, identity, tls, line, settings });
  const network = createNetwork({ ...host, ...bridgeOf(settings, identity) });
  const { engine, healths, volumes, given } = await openContainers(host, images, network);
  const membership = { ...restartingAfter(bootstrap, stop), renew: renewing(renewal) };

  await network.up(stop.signal);
  log.info({ ...(await engine.recover(stop.signal)) }, 'Left-overs of an earlier run are cleared');
  await volumes.recover();
  await healths.load(new Set(engine.checked().map(({ spec }) => spec.name)));
  if (identity === null) await forgetCluster({ ...host, engine, log }, stop.signal);
  const api = await openApi({
    handlers: handlersOf({ engine, bus, identity, images, volumes, given, membership }),
    audit,
    pending,
    log,
    socket: { path: SOCKET_PATH, handedOver: handedOver[0] },
    cluster: doorOf({ identity, tls, settings, revoked, serveObjects: images.serveObjects }),
  });
  const membersParts = { identity, tls, line, engine, images: images.service, network, revoked, log };
  const member = memberOf({ ...host, ...membersParts }, stop.signal);
  const renewed = keepRenewed(renewal, { tls: live, line, api, images }, stop.signal);
  const tended = engine.controls.tend(stop.signal);
  const checked = new HealthMonitor({ engine, book: healths, clock: systemClock, log }).run(stop.signal);

  notify('READY=1');
  const stopTimers = startTimers();
  log.info({ version, node: identity?.config.node ?? hostNodeName() }, 'Agent is ready');
  await daemon.stopped;
  notify('STOPPING=1');
  log.info({}, 'Agent stops; containers go on');
  await daemon.drain();
  stopTimers();
  await api.close();
  await Promise.all([tended, checked, member, renewed]);
  await line?.close();
  images.close();
  bus.close();
  rmSync(PID_PATH, { force: true });
  lock.release();
  await daemon.close();
  return 0;
}

/** The containers of this node, and what they are given. These rooms ask one another, so some are handed over later. */
async function openContainers(host: ReturnType<typeof hostPorts>, images: OpenImages, network: Network) {
  const healths = new HealthBook(host.files, systemClock);
  const volumes = openVolumes(host.programs, images);
  const given = openGiven(host);
  await given.load();
  const parts = { images: images.forEngine, given: given.forEngine, volumes: volumes.forEngine };
  const engine = createEngine({ host, network, healths, ...parts });
  images.use(engine);
  volumes.use(engine);
  given.use(engine);
  return { engine, healths, volumes, given };
}

const handlersOf = (rooms: {
  readonly engine: ReturnType<typeof createEngine>;
  readonly bus: SystemBus;
  readonly identity: ClusterIdentity | null;
  readonly images: OpenImages;
  readonly volumes: OpenVolumes;
  readonly given: OpenGiven;
  readonly membership: Parameters<typeof clusterHandlers>[0];
}) => ({
  ...nodeHandlers(rooms.engine, nodeFacts(rooms.bus, rooms.identity)),
  ...containerFilesHandlers(rooms.engine),
  ...containerHandlers(rooms.engine),
  ...imageHandlers(rooms.images.operations),
  ...volumeHandlers(rooms.volumes.operations),
  ...givenHandlers(rooms.given),
  ...casHandlers(openCas(rooms.images, rooms.engine)),
  ...clusterHandlers(rooms.membership),
});

const bootstrapOf = (host: ReturnType<typeof hostPorts>, settings: Settings, engine: () => Pick<Engine, 'list'>) =>
  createBootstrap(
    bootstrapPorts({
      ...host,
      program: ownPath(),
      bridge: settings['network.bridge'],
      controllerPort: settings['controller.port'],
      certificateSeconds: settings['certificates.seconds'],
      running: async () =>
        (await engine().list())
          .filter(({ state }) => ['running', 'starting', 'paused'].includes(state))
          .map(({ name }) => name),
    }),
  );

const faults = faultsOf(process.env);

const hostPorts = (bus: SystemBus) => ({
  files: faults.on('files', new NodeFiles()),
  programs: faults.on('programs', new NodePrograms()),
  systemd: faults.on('systemd', new BusSystemd(bus)),
  journal: systemJournal,
  processes: kernelProcesses,
  clock: systemClock,
  sockets: unixSockets,
  enter: () => builtProgram('agent/enter'),
  console: () => builtProgram('agent/console'),
});

function builtProgram(name: string): Uint8Array {
  const found = asset(name);
  if (found !== undefined) return found;
  throw new VoltError('DEPENDENCY', 'What containers are entered with is only part of a built volt', {
    hint: 'pnpm build',
  });
}

function openLine({ config, ca, cert, key, creds }: ClusterIdentity): ClusterConnection {
  return connectCluster({
    servers: config.servers,
    tls: { ca, cert, key },
    credentials: creds,
    node: config.node,
    role: 'node',
  });
}

/** In a cluster the cluster gives each node its addresses. */
function bridgeOf(settings: Settings, identity: ClusterIdentity | null) {
  return { bridge: settings['network.bridge'], subnet: identity?.config.subnet ?? settings['network.subnet'] };
}

function doorOf(door: {
  readonly identity: ClusterIdentity | null;
  readonly tls: TlsIdentity | null;
  readonly settings: Settings;
  readonly revoked: RevokedKeys;
  readonly serveObjects: OpenImages['serveObjects'];
}) {
  const { identity, tls, settings, revoked, serveObjects } = door;
  if (identity === null || tls === null) return null;
  const { address, controllers } = identity.config;
  return { identity: tls, revoked, address, port: settings['agent.port'], controllers, serveObjects };
}

function shownHere(identity: ClusterIdentity | null) {
  const live = identity === null ? null : liveTls(identity);
  return { live, tls: live?.tls ?? null };
}

const renewing = (renewal: Renewal) => async (signal: AbortSignal) => renewedRow(await renewal.renew(signal));

/** On a machine that is in no cluster there is nothing to renew. */
async function keepRenewed(
  renewal: Renewal,
  { tls, line, ...shown }: { [P in keyof ShownBy]: ShownBy[P] | null },
  signal: AbortSignal,
): Promise<void> {
  const { api, images } = shown;
  if (tls === null || line === null || api === null || images === null) return;
  await renewal.run(useIdentity({ tls, line, api, images }), signal);
}

async function memberOf(
  parts: Omit<Parameters<typeof runMember>[0], 'config' | 'kv' | 'tls'> & {
    tls: TlsIdentity | null;
    identity: ClusterIdentity | null;
    line: ClusterConnection | null;
  },
  signal: AbortSignal,
): Promise<void> {
  const { identity, line, tls, ...rest } = parts;
  if (identity === null || line === null || tls === null) return;
  try {
    await runMember({ ...rest, tls, config: identity.config, kv: line.kv }, signal);
  } catch (err) {
    // Its ledger is damaged: somebody must look. Containers and the rest of the agent go on meanwhile.
    rest.log.error({ err }, 'The line to the cluster ended');
  }
}

/** A member has other addresses and another door: the agent starts anew, which no container notices. */
function restartingAfter(bootstrap: ReturnType<typeof createBootstrap>, stop: AbortController): typeof bootstrap {
  const thenRestart = async <T>(change: Promise<T>): Promise<T> => {
    const result = await change;
    setTimeout(() => stop.abort(), RESTART_DELAY_MS);
    return result;
  };
  return {
    ...bootstrap,
    init: (params, signal) => thenRestart(bootstrap.init(params, signal)),
    join: (params, signal) => thenRestart(bootstrap.join(params, signal)),
    leave: (params) => thenRestart(bootstrap.leave(params)),
  };
}

/** Tells systemd that we live, and gives memory back; until it is called. */
function startTimers(): () => void {
  const intervalMs = watchdogIntervalMs();
  const watchdog = intervalMs === undefined ? undefined : setInterval(() => notify('WATCHDOG=1'), intervalMs);
  const tidying = setInterval(releaseSpareMemory, SPARE_MEMORY_EVERY_MS);
  return () => {
    clearInterval(watchdog);
    clearInterval(tidying);
  };
}

/** Of the binary that runs, for units that start it again. */
const ownPath = (): string => realpathSync(process.execPath);

/** The rooms of a node that is in a cluster, joined: engine, images and network as the cluster's loop asks for them. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { ContainerSpec, workloadContainer } from '@volt/shared/model';
import type { Assignment, HealthFlags, WorkloadHealth } from '@volt/shared/model';
import { systemClock, type Kv } from '@volt/shared/kv';
import { lifeOf, type ClusterConfig, type RevokedKeys, type TlsIdentity } from '@volt/shared/pki';
import { sentenceFirst } from '@volt/shared/daemon';
import { version } from '@volt/shared/program';
import { toVoltError } from '@volt/shared/errors';
import type { Log } from '@volt/shared/server';
import { keepControllers, keepRevoked } from './bootstrap/index.ts';
import {
  createDeadMan,
  DiskLedger,
  FENCE_STOP_MS,
  runClusterNode,
  type DeadMan,
  type NodeFacts,
  type Workloads,
} from './cluster/index.ts';
import type { Engine } from './engine/index.ts';
import type { Files, Systemd } from './host/index.ts';
import type { Network } from './network/index.ts';
import type { ImageService } from './wire-images.ts';

export interface ClusterWire {
  readonly config: ClusterConfig;
  readonly tls: Pick<TlsIdentity, 'cert'>;
  readonly kv: Kv;
  readonly files: Files;
  readonly systemd: Pick<Systemd, 'start' | 'stop' | 'refresh'>;
  readonly engine: Engine;
  readonly images: ImageService;
  /** What this agent's doors go by. */
  readonly revoked: RevokedKeys;
  readonly network: Pick<Network, 'setRoutes'>;
  readonly log: Log;
}

const LEDGER_PATH = '/var/lib/volt/cluster/assignments.json';
/** A container that the cluster takes away gets this long to end by itself. */
const GRACE_SECONDS = 10;
/** An exclusive one must be gone before another node may start it. */
const FENCE_GRACE_SECONDS = Math.max(0, Math.floor(FENCE_STOP_MS / 1000) - 2);
const ROUTES_EVERY_MS = 5000;
const IMAGES_TOLD_MAX = 512;

/** Runs until the signal. Containers are left as they are at the end. */
export async function runMember(wire: ClusterWire, signal: AbortSignal): Promise<void> {
  const { config, kv, images, engine, log } = wire;
  const deadMan = createDeadMan(wire);
  const workloads = workloadsOf(engine, deadMan);
  const node = runClusterNode(
    {
      node: config.node,
      bootId: bootId(),
      kv,
      clock: systemClock,
      workloads,
      deadMan,
      images: { ensure: (name, manifest, asked) => images.ensure(name, manifest, asked) },
      ledgerFile: new DiskLedger(wire.files, LEDGER_PATH),
      facts: () => factsOf(wire),
      log: sentenceFirst(log),
    },
    signal,
  );
  await Promise.all([node, keepRoutes(wire, signal)]);
}

/**
 * A machine that has left its cluster runs nothing for it any more: others do.
 * Again, and on a machine that never was in one, changes nothing.
 */
export async function forgetCluster(
  { engine, files, systemd, log }: Pick<ClusterWire, 'engine' | 'files' | 'systemd' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const deadMan = createDeadMan({ files, systemd });
    const workloads = workloadsOf(engine, deadMan);
    for (const { instance } of await workloads.list()) {
      await workloads.stop(instance, signal);
      await engine.delete(instance, true, signal);
    }
    await deadMan.forget();
    await files.remove(LEDGER_PATH);
  } catch (err) {
    // The next start tries again; this one serves all the same.
    log.error({ err }, 'What ran for a former cluster could not be removed');
  }
}

function workloadsOf(engine: Engine, deadMan: DeadMan): Workloads {
  return {
    list: async () =>
      (await engine.observe()).flatMap(({ status, config }) => {
        const { assignment } = config;
        if (assignment === null) return [];
        const { workload, generation, exclusive } = assignment;
        // One that an earlier run of the agent has started.
        if (exclusive) deadMan.adopt(status.name);
        const { state, health, image, address, reason, startedAt } = status;
        const told = { state, health, image, address, reason, startedAt };
        return [{ instance: status.name, workload, generation, exclusive, ...told }];
      }),
    ensure: async (assignment, signal) => {
      if (assignment.exclusive) await deadMan.guard(assignment.instance, signal);
      // One of this name may have been.
      else await deadMan.release(assignment.instance);
      await engine.ensure(wantedOf(assignment), signal);
    },
    remove: async (instance, signal) => {
      const present = (await engine.observe()).some(({ status }) => status.name === instance);
      if (present) await engine.stop(instance, GRACE_SECONDS, signal);
      await engine.delete(instance, true, signal);
      await deadMan.release(instance);
    },
    stop: async (instance, signal) => {
      const present = (await engine.observe()).some(({ status }) => status.name === instance);
      if (present) await engine.stop(instance, FENCE_GRACE_SECONDS, signal);
    },
  };
}

function wantedOf(assignment: Assignment) {
  const { instance, workload, generation, exclusive, image, command, env, labels } = assignment;
  const { limits = {}, ...container } = workloadContainer(assignment);
  const spec = ContainerSpec.parse({
    name: instance,
    image: image.name,
    command,
    env,
    labels,
    restart: 'always',
    // An exclusive one starts at boot only when the agent has a fresh lease.
    boot: !exclusive,
    ...flagsOf(assignment.health),
    ...limits,
    ...container,
  });
  const { manifest, tree } = image;
  return { spec, image: { manifest, tree }, assignment: { workload, instance, generation, exclusive } };
}

/** The words of a workload's file as those of a container. */
function flagsOf(health: WorkloadHealth | undefined): Partial<HealthFlags> {
  if (health === undefined) return {};
  const { cmd, http, tcp, interval, timeout, retries, startPeriod, restart } = health;
  return {
    healthCmd: cmd,
    healthHttp: http,
    healthTcp: tcp,
    healthInterval: interval,
    healthTimeout: timeout,
    healthRetries: retries,
    healthStartPeriod: startPeriod,
    healthRestart: restart,
  };
}

async function factsOf({ config, images, tls }: ClusterWire): Promise<NodeFacts> {
  const known = await images.list();
  return {
    name: config.node,
    address: config.address,
    subnet: config.subnet,
    roles: config.roles,
    version,
    memoryMiB: Math.floor(totalmem() / 1024 / 1024),
    cpuMillis: availableParallelism() * 1000,
    images: [...new Set(known.map(({ digest }) => digest))].slice(0, IMAGES_TOLD_MAX),
    bootId: bootId(),
    certificateUntil: lifeOf(tls.cert).until.toISOString(),
  };
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Containers of other nodes are reached through those nodes. */
async function keepRoutes(wire: ClusterWire, signal: AbortSignal): Promise<void> {
  const { config, kv, network, log } = wire;
  let said = '';
  while (!signal.aborted) {
    try {
      const records = (await kv.list('nodes')).flatMap(({ value }) => (value === null ? [] : [value]));
      const others = records.filter(({ name }) => name !== config.node);
      await network.setRoutes(
        others.map(({ subnet, address }) => ({ subnet, address })),
        signal,
      );
      await keepControllers(wire, others);
      await keepRevoked(
        wire,
        (await kv.list('revoked')).map(({ key }) => key),
      );
      said = '';
    } catch (thrown) {
      const { code, message } = toVoltError(thrown);
      // The routes there are stay: losing the cluster cuts nobody off.
      if (!signal.aborted && said !== message)
        log.warn({ code, message }, 'The routes to other nodes stay as they are');
      said = message;
    }
    await systemClock.sleep(ROUTES_EVERY_MS, signal);
  }
}

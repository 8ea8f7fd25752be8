/** What making and joining a cluster asks of the machine, on the host's ports. */
import { connect } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import { connectCluster, JOIN_LEASE, permissionsFor, type Kv } from '@volt/shared/kv';
import { connectMetaGroup, peerIdOf } from '@volt/shared/pki';
import { realControllers, type BootstrapPorts, type Controllers } from './bootstrap/index.ts';
import type { Clock, Files, Journal, Programs, Systemd } from './host/index.ts';

export interface WireBootstrap {
  readonly files: Files;
  readonly programs: Programs;
  readonly systemd: Systemd;
  readonly journal: Journal;
  readonly clock: Clock;
  /** The binary that the controller's unit starts. */
  readonly program: string;
  /** Where a controller of this node listens. */
  readonly controllerPort: number;
  readonly certificateSeconds: number;
  readonly running: () => Promise<readonly string[]>;
  /** Of the containers; its address is nobody else's business. */
  readonly bridge: string;
}

const JOB_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Between two tries while the cluster's servers elect a leader. */
const PAUSE_MS = 500;

export function bootstrapPorts(wire: WireBootstrap): BootstrapPorts {
  const { files, systemd, journal, clock, programs, program, controllerPort } = wire;
  const never = new AbortController().signal;
  return {
    files,
    units: {
      reload: () => systemctl(programs, ['daemon-reload']),
      enable: (unit) => systemctl(programs, ['enable', '--quiet', unit]),
      disable: (unit) => systemctl(programs, ['disable', '--quiet', unit]),
      start: (unit, signal) => systemd.start(unit, { signal, timeoutMs: JOB_TIMEOUT_MS }),
      stop: (unit) => systemd.stop(unit, { signal: never, timeoutMs: JOB_TIMEOUT_MS }),
      isRunning: async (unit) => (await systemd.list([unit]))[0]?.activeState === 'active',
      lastLines: async (unit, count) => {
        const lines: string[] = [];
        for await (const line of journal.read({ unit, follow: false, tail: count }, never)) lines.push(line.text);
        return lines;
      },
    },
    controllers: { ...realControllers(controllerPort), withdraw },
    controllerPort,
    hostName: hostname,
    running: wire.running,
    ownAddresses: () => ownAddresses(wire.bridge),
    localAddressTowards,
    natsVersion: (signal) => natsVersion(programs, signal),
    now: () => new Date(),
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      signal.throwIfAborted();
    },
    permissionsFor,
    certificateSeconds: wire.certificateSeconds,
    program,
  };
}

async function systemctl(programs: Programs, args: readonly string[]): Promise<void> {
  const { code, stderr } = await programs.run(['systemctl', ...args], { signal: new AbortController().signal });
  if (code === 0) return;
  throw new VoltError('DEPENDENCY', `'systemctl ${args.join(' ')}' ended with ${code}: ${stderr.trim()}`);
}

function ownAddresses(bridge: string): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== bridge)
    .flatMap(([, infos]) => infos ?? [])
    .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))
    .map(({ address }) => address);
}

/** Only the kernel knows which way it would take. Nothing is sent. */
function localAddressTowards(host: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal, timeout: CONNECT_TIMEOUT_MS });
    const end = (error: VoltError) => {
      socket.destroy();
      reject(error);
    };
    socket.once('connect', () => {
      const { localAddress } = socket;
      socket.destroy();
      if (localAddress === undefined) reject(new VoltError('NETWORK', `'${host}:${port}' hung up`));
      else resolve(localAddress);
    });
    socket.once('timeout', () => end(new VoltError('TIMEOUT', `'${host}:${port}' did not answer`)));
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      end(
        signal.aborted
          ? new VoltError('INTERRUPTED', 'Cancelled', { cause })
          : new VoltError('NETWORK', `'${host}:${port}' cannot be reached (${cause.code})`, { cause }),
      ),
    );
  });
}

async function natsVersion(programs: Programs, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await programs.run(['nats-server', '--version'], { signal });
    return (stdout || stderr).trim();
  } catch (thrown) {
    if (thrown instanceof VoltError && thrown.code === 'DEPENDENCY') return undefined;
    throw thrown;
  }
}

const withdraw: Controllers['withdraw'] = async (identity, server, signal) => {
  const meta = connectMetaGroup(identity, () => new Date());
  await untilDone(() => meta.remove(peerIdOf(server)), signal);
  // Not before: as long as it is counted, no other may be added.
  const { config, ca, cert, key, controller } = identity;
  const { servers, node } = config;
  const options = {
    servers,
    tls: { ca, cert, key },
    credentials: controller.creds,
    node,
    role: 'controller',
  } as const;
  const line = connectCluster(options);
  try {
    await untilDone(() => giveBackTurn(line.kv, server), signal);
  } finally {
    await line.close();
  }
};

async function giveBackTurn(kv: Kv, server: string): Promise<void> {
  const turn = await kv.get('leases', JOIN_LEASE);
  if (turn?.value?.session !== server) return;
  await kv.update('leases', JOIN_LEASE, { ...turn.value, holder: null }, turn.revision);
}

async function untilDone(act: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      if (signal.aborted) throw thrown;
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

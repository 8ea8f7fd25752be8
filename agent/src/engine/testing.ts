/** Containers and hosts for tests. */
import {
  ContainerSpec,
  ImageConfig,
  type ContainerConfig,
  type ContainerSpecInput,
  type ImageConfig as ImageSettings,
} from '@volt/shared/model';
import { VoltError } from '@volt/shared/errors';
import type { Clock, Processes, Programs, Sockets } from '../host/index.ts';
import { FakeSystemd, MemoryFiles } from '../host/testing.ts';
import { createNetwork } from '../network/index.ts';
import { NspawnDriver, type Host, type Paths } from './drivers/nspawn/index.ts';
import type { Images, ResolvedImage } from './engine.ts';
import { userRange } from './slots.ts';

export { driverContract } from './drivers/driver.contract.ts';
export { FakeDriver } from './drivers/fake.ts';

export const paths: Paths = {
  containers: '/var/lib/volt/containers',
  units: '/var/lib/volt/units',
  systemd: '/etc/systemd/system',
  systemdRuntime: '/run/systemd/system',
  systemdControl: '/run/systemd/system.control',
  run: '/run/volt/containers',
  volumes: '/var/lib/volt/volumes',
  lib: '/usr/local/lib/volt',
};

export const spec = (name: string, rest: Partial<ContainerSpecInput> = {}): ContainerSpec =>
  ContainerSpec.parse({ name, image: 'app', ...rest });

/** Some digest. */
export const digest = (char: string): string => char.repeat(64);

export const image = (config: Partial<ImageSettings> = {}, manifest = 'a'): ResolvedImage => ({
  manifest: digest(manifest),
  tree: digest('f'),
  config: ImageConfig.parse({ cmd: ['/bin/app'], ...config }),
});

export function config(name: string, change: Partial<ContainerConfig> = {}, slot = 0): ContainerConfig {
  return {
    spec: spec(name),
    image: { manifest: digest('a'), tree: digest('f') },
    command: ['/bin/app'],
    env: {},
    workdir: '/',
    user: '',
    stopSignal: 'SIGTERM',
    network: { bridge: 'volt0', address: `10.0.0.${slot + 2}`, prefix: 24, gateway: '10.0.0.1' },
    userns: userRange(slot),
    assignment: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

/** An image store with these images, in all of which these files are; any other name is not there. */
export function imagesOf(named: Record<string, ResolvedImage>, files: Record<string, string> = {}): Images {
  const found = (one: ResolvedImage | undefined, name: string): ResolvedImage => {
    if (one === undefined) throw new VoltError('NOT_FOUND', `There is no image '${name}'`);
    return one;
  };
  return {
    resolve: async (name) => found(named[name], name),
    open: async (manifest) =>
      found(
        Object.values(named).find((one) => one.manifest === manifest),
        manifest,
      ),
    tree: () => [],
    commit: async ({ name }, changes) => {
      for await (const _ of (await changes()).source);
      return { name, digest: digest('c'), sizeBytes: 0, files: 0, createdAt: '2026-01-01T00:00:00Z' };
    },
    ensureLower: async (tree) => `/lower/${tree.slice(0, 8)}`,
    readFile: async (_tree, path) => files[path],
  };
}

export const networkOf = (subnet = '10.0.0.0/24') =>
  createNetwork({
    files: new MemoryFiles(),
    programs: noPrograms,
    systemd: new FakeSystemd(new MemoryFiles(), ''),
    subnet,
  });

export const stillClock: Clock = {
  now: () => new Date('2026-01-01T00:00:00.000Z'),
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
};

const noUsage = {
  cpuUsec: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  processes: null,
  readBytes: null,
  writtenBytes: null,
  receivedBytes: null,
  sentBytes: null,
  oomKills: null,
} as const;

export const noPrograms: Programs = {
  run: async (argv) => {
    throw new VoltError('DEPENDENCY', `'${argv[0]}' is not installed`);
  },
  open: async (argv) => {
    throw new VoltError('DEPENDENCY', `'${argv[0]}' is not installed`);
  },
};

const noSockets: Sockets = {
  connect: async (path) => {
    throw new VoltError('NOT_FOUND', `Nobody listens at '${path}'`);
  },
};

const programsInside = { enter: () => Buffer.from('enter'), console: () => Buffer.from('console') };

export interface FakeHost extends Host {
  readonly files: MemoryFiles;
  readonly systemd: FakeSystemd;
}

/** A machine in memory that has all that the nspawn driver needs. */
export async function fakeHost(): Promise<FakeHost> {
  const files = new MemoryFiles();
  for (const program of ['/usr/bin/catatonit', '/usr/bin/systemd-nspawn', '/usr/bin/nsenter', '/usr/sbin/ip']) {
    await files.makeFolder(program.slice(0, program.lastIndexOf('/')), { mode: 0o755 });
    await files.write(program, program, { mode: 0o755 });
  }
  const programs: Programs = { ...noPrograms, run: async () => ({ code: 0, stdout: '', stderr: '' }) };
  const processes: Processes = {
    leaderOf: async (supervisor) => supervisor + 1000,
    cgroupsOf: async () => ['/sys/fs/cgroup/payload'],
    childProgram: async () => '/bin/app',
    signal: () => undefined,
    insideOf: async () => [],
    usageOf: async () => noUsage,
  };
  const journal = { async *read() {} };
  const systemd = new FakeSystemd(files, paths.systemd);
  return { files, programs, processes, journal, systemd, clock: stillClock, sockets: noSockets, ...programsInside };
}

export const nspawnOn = (host: Host): NspawnDriver => new NspawnDriver(host, paths);

/** From limits as people give them to properties of a unit. Pure. */
import { VoltError } from '@volt/shared/errors';
import { parseBytes } from '@volt/shared/lib';
import { Limits, NO_LIMIT, type ContainerSpec } from '@volt/shared/model';
import type { UnitProperty } from '@volt/shared/systemd';

/** nspawn and the first process alone need some; less would only fail to start. */
const MEMORY_BYTES_MIN = 8 * 1024 * 1024;

/** What the kernel counts with; without one its limits hold nobody. */
export type Controller = 'cpu' | 'cpuset' | 'io' | 'memory' | 'pids';

/** One limit: a line of the unit, and the same for a unit that runs. */
export interface LimitProperty extends UnitProperty {
  /** For the unit file. */
  readonly line: string;
  readonly controller: Controller;
  readonly flag: string;
  /** It takes a limit away. */
  readonly isNone: boolean;
}

const INFINITE = 2n ** 64n - 1n;

/** Every limit that was given. Throws USAGE for those that cannot be meant. `disk` is a folder on the limited disk. */
export function limitProperties(limits: Limits, disk: string): LimitProperty[] {
  return [...memory(limits), ...cpu(limits), ...io(limits, disk), ...pids(limits)];
}

/** As nspawn is told. They hold for programs that are started later. */
export const rlimitArguments = ({ ulimits = [] }: Limits): string[] =>
  ulimits.map((ulimit) => {
    const [name = '', value = ''] = ulimit.split('=');
    return `--rlimit=RLIMIT_${name.toUpperCase()}=${value.replaceAll('unlimited', 'infinity')}`;
  });

/** Which of them do not hold on this machine, each with the reason. */
export function unenforced(limits: Limits, controllers: ReadonlySet<string>): string[] {
  return limitProperties(limits, '/')
    .filter(({ controller, isNone }) => !isNone && !controllers.has(controller))
    .map(({ flag, controller }) => `'--${flag}': its control groups do not count ${controller}`);
}

/** The limits with others on top; of two ways to say one thing the later one holds. */
export function withLimits(spec: ContainerSpec, change: Limits): ContainerSpec {
  const { cpu: oldCpu, cpus: oldCpus, ...rest } = spec;
  const isCpuGiven = change.cpu !== undefined || change.cpus !== undefined;
  const old = isCpuGiven ? {} : { cpu: oldCpu, cpus: oldCpus };
  const merged = Object.entries({ ...rest, ...old, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(merged) as ContainerSpec;
}

/** Only what is a limit. */
export const limitsOf = (spec: Limits): Limits => Limits.parse(spec);

/** Throws USAGE where they cannot be meant. */
export function checkLimits(limits: Limits): void {
  limitProperties(limits, '/');
  const count = (word: string) => (word === 'unlimited' ? Infinity : Number(word));
  for (const ulimit of limits.ulimits ?? []) {
    const [soft = '', hard = soft] = ulimit.slice(ulimit.indexOf('=') + 1).split(':');
    if (count(soft) > count(hard))
      throw new VoltError('USAGE', `'${ulimit}': the second must not be less than the first`);
  }
}

function memory({ memory: most, memorySwap: together }: Limits): LimitProperty[] {
  const bytes = amount(most);
  if (bytes !== undefined && bytes < MEMORY_BYTES_MIN) {
    throw new VoltError('USAGE', `'${most}' is too little memory to start anything in`, { hint: '--memory 64M' });
  }
  const found: LimitProperty[] = [];
  const shared = { controller: 'memory', signature: 't' } as const;
  if (bytes !== undefined) found.push({ ...shared, flag: 'memory', ...number('MemoryMax', bytes) });
  const both = amount(together);
  if (both === undefined) return found;
  if (both !== Infinity && (bytes === undefined || both < bytes)) {
    throw new VoltError('USAGE', "'--memory-swap' is memory and swap together: it cannot be less than '--memory'");
  }
  const swap = both === Infinity ? Infinity : both - bytes!;
  return [...found, { ...shared, flag: 'memory-swap', ...number('MemorySwapMax', swap) }];
}

function cpu({ cpu: hundredths, cpus, cpuset }: Limits): LimitProperty[] {
  if (hundredths !== undefined && cpus !== undefined) {
    throw new VoltError('USAGE', "'--cpu' and '--cpus' say the same: give one of them");
  }
  const found: LimitProperty[] = [];
  const processors = cpus ?? (hundredths === undefined ? undefined : hundredths / 100);
  if (processors !== undefined) {
    const usec = processors === 0 ? INFINITE : BigInt(Math.round(processors * 1_000_000));
    const percent = processors === 0 ? '' : `${Math.round(processors * 10_000) / 100}%`;
    found.push({
      controller: 'cpu',
      flag: cpus === undefined ? 'cpu' : 'cpus',
      isNone: processors === 0,
      line: `CPUQuota=${percent}`,
      name: 'CPUQuotaPerSecUSec',
      signature: 't',
      value: usec,
    });
  }
  if (cpuset !== undefined) {
    const line = `AllowedCPUs=${cpuset === NO_LIMIT ? '' : cpuset}`;
    const value = cpuMask(cpuset);
    const isNone = cpuset === NO_LIMIT;
    found.push({ controller: 'cpuset', flag: 'cpuset', isNone, line, name: 'AllowedCPUs', signature: 'ay', value });
  }
  return found;
}

/** One bit for each processor, the first in the lowest. */
export function cpuMask(cpuset: string): Uint8Array {
  const bytes: number[] = [];
  for (const part of cpuset === NO_LIMIT ? [] : cpuset.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    if (last < first) throw new VoltError('USAGE', `'${part}' is no range of processors`);
    for (let cpuNumber = first; cpuNumber <= last; cpuNumber++) {
      while (bytes.length <= cpuNumber >> 3) bytes.push(0);
      bytes[cpuNumber >> 3]! |= 1 << (cpuNumber & 7);
    }
  }
  return Uint8Array.from(bytes);
}

function io(limits: Limits, disk: string): LimitProperty[] {
  const found: LimitProperty[] = [];
  if (limits.ioWeight !== undefined) {
    const { ioWeight } = limits;
    const value = ioWeight === 0 ? INFINITE : BigInt(ioWeight);
    const line = `IOWeight=${ioWeight === 0 ? '' : ioWeight}`;
    const isNone = ioWeight === 0;
    found.push({ controller: 'io', flag: 'io-weight', isNone, line, name: 'IOWeight', signature: 't', value });
  }
  const bounds = [
    ['IOReadBandwidthMax', 'io-read-bps', amount(limits.ioReadBps)],
    ['IOWriteBandwidthMax', 'io-write-bps', amount(limits.ioWriteBps)],
    ['IOReadIOPSMax', 'io-read-iops', orInfinite(limits.ioReadIops)],
    ['IOWriteIOPSMax', 'io-write-iops', orInfinite(limits.ioWriteIops)],
  ] as const;
  for (const [name, flag, most] of bounds) {
    if (most === undefined) continue;
    const isNone = most === Infinity;
    const line = `${name}=${isNone ? '' : `${disk} ${most}`}`;
    const value = isNone ? [] : [[disk, BigInt(most)]];
    found.push({ controller: 'io', flag, isNone, line, name, signature: 'a(st)', value });
  }
  return found;
}

function pids({ pids: most }: Limits): LimitProperty[] {
  if (most === undefined) return [];
  return [{ controller: 'pids', flag: 'pids', signature: 't', ...number('TasksMax', orInfinite(most)!) }];
}

const number = (name: string, most: number) => ({
  name,
  isNone: most === Infinity,
  line: `${name}=${most === Infinity ? 'infinity' : most}`,
  value: most === Infinity ? INFINITE : BigInt(most),
});

const orInfinite = (most: number | undefined): number | undefined => (most === 0 ? Infinity : most);

/** Undefined when it was not given. */
const amount = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : text === NO_LIMIT ? Infinity : parseBytes(text);

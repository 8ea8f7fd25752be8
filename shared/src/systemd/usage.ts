/** What a unit uses, from the kernel's own counters: of control groups, and of the network it is in. */
import { readFile } from 'node:fs/promises';

/** Null where the kernel does not count. */
export interface UnitUsage {
  readonly cpuUsec: number | null;
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly processes: number | null;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
  readonly oomKills: number | null;
}

/** Where the kernel shows them; tests have their own. */
export interface KernelFolders {
  readonly cgroups: string;
  readonly proc: string;
}

const kernelFolders: KernelFolders = { cgroups: '/sys/fs/cgroup', proc: '/proc' };

/** Of a unit of system.slice. `pid` is any process that is in its network namespace. */
export async function unitUsage(
  unit: { readonly name: string; readonly pid: number | null },
  { cgroups, proc }: KernelFolders = kernelFolders,
): Promise<UnitUsage> {
  const read = (file: string) => text(`${cgroups}/system.slice/${unit.name}/${file}`);
  // Where controllers have a hierarchy each.
  const readFirst = (controller: string, file: string) =>
    text(`${cgroups}/${controller}/system.slice/${unit.name}/${file}`);
  const [cpu, memory, limit, pids, io, events] = await Promise.all(
    ['cpu.stat', 'memory.current', 'memory.max', 'pids.current', 'io.stat', 'memory.events'].map(read),
  );
  const [oldCpu, oldMemory, oldLimit, oldPids, oldEvents] = await Promise.all([
    cpu === undefined ? readFirst('cpuacct', 'cpuacct.usage') : undefined,
    memory === undefined ? readFirst('memory', 'memory.usage_in_bytes') : undefined,
    limit === undefined ? readFirst('memory', 'memory.limit_in_bytes') : undefined,
    pids === undefined ? readFirst('pids', 'pids.current') : undefined,
    events === undefined ? readFirst('memory', 'memory.oom_control') : undefined,
  ]);
  const nanoseconds = number(oldCpu);
  const { received, sent } = networkOf(unit.pid === null ? undefined : await text(`${proc}/${unit.pid}/net/dev`));
  return {
    cpuUsec: field(cpu, 'usage_usec') ?? (nanoseconds === null ? null : Math.round(nanoseconds / 1000)),
    memoryBytes: number(memory ?? oldMemory),
    memoryLimitBytes: limited(number(limit ?? oldLimit)),
    processes: number(pids ?? oldPids),
    readBytes: sum(io, 'rbytes'),
    writtenBytes: sum(io, 'wbytes'),
    receivedBytes: received,
    sentBytes: sent,
    oomKills: field(events ?? oldEvents, 'oom_kill'),
  };
}

/** The older hierarchy writes no limit as the largest number of pages. */
const limited = (bytes: number | null): number | null => (bytes !== null && bytes < 2 ** 60 ? bytes : null);

/** Of all but the loopback. */
function networkOf(dev: string | undefined): { received: number | null; sent: number | null } {
  const rows = (dev ?? '')
    .split('\n')
    .map((line) => /^\s*(\S+):\s+(.*)$/.exec(line))
    .filter((match) => match !== null && match[1] !== 'lo')
    .map((match) => match![2]!.split(/\s+/).map(Number));
  if (rows.length === 0) return { received: null, sent: null };
  const total = (column: number) => rows.reduce((all, row) => all + (row[column] ?? 0), 0);
  return { received: total(0), sent: total(8) };
}

/** `max` is no number, and so no limit. */
function number(value: string | undefined): number | null {
  const digits = /^(\d+)\s*$/.exec(value ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The number after a word at the beginning of a line. */
function field(lines: string | undefined, word: string): number | null {
  const digits = new RegExp(`^${word} (\\d+)$`, 'm').exec(lines ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Of all devices. A group that has not touched one has an empty file. */
function sum(lines: string | undefined, key: string): number | null {
  if (lines === undefined) return null;
  return [...lines.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce((all, [, digits]) => all + Number(digits), 0);
}

const text = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** What the kernel tells of processes, as far as it is needed to step into a container. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import { unitUsage, type UnitUsage } from '@volt/shared/systemd';

export interface Processes {
  /** First process of the container that a supervisor or its child runs; undefined before there is one. */
  leaderOf(supervisor: number): Promise<number | undefined>;

  /** The folders under /sys/fs/cgroup that a process is in, one for each hierarchy. */
  cgroupsOf(pid: number): Promise<string[]>;

  /** What a process's first child runs, as a path inside its container; undefined when it has none. */
  childProgram(pid: number): Promise<string | undefined>;

  /** Sends a signal by its name. A process that is gone is CONFLICT. */
  signal(pid: number, name: string): void;

  /** All that are in the control group of a container's unit, below what supervises it. */
  insideOf(unit: string): Promise<ProcessFacts[]>;

  /** What a unit uses. `pid` is a process in its network. */
  usageOf(unit: string, pid: number | null): Promise<UnitUsage>;
}

/** One process, as the host tells it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Its number in the innermost namespace. */
  readonly pidInside: number;
  readonly user: number;
  /** The kernel's letter: R, S, D, T, Z, I. */
  readonly state: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly command: string;
}

/** More than a container is looked through. */
const PROCESSES_MAX = 4096;
const FOLDERS_MAX = 1024;

/** Of the numbers in /proc/PID/stat; the same on all machines. */
const TICKS_PER_SECOND = 100;

export const kernelProcesses: Processes = {
  async leaderOf(supervisor) {
    const children = await childrenOf(supervisor);
    for (const pid of children) if (isFirst(await text(`/proc/${pid}/status`))) return pid;
    // A console stands between.
    const grandchildren = await Promise.all(children.map(childrenOf));
    for (const pid of grandchildren.flat()) if (isFirst(await text(`/proc/${pid}/status`))) return pid;
    return undefined;
  },
  cgroupsOf: async (pid) => cgroupFolders(await text(`/proc/${pid}/cgroup`)),
  async childProgram(pid) {
    const [child] = await childrenOf(pid);
    if (child === undefined) return undefined;
    return readlink(`/proc/${child}/exe`).catch(() => undefined);
  },
  signal(pid, name) {
    try {
      process.kill(pid, name);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
      throw new VoltError('CONFLICT', 'The process has ended', { cause });
    }
  },
  async insideOf(unit) {
    const groups = ['', '/systemd'].map((hierarchy) => `/sys/fs/cgroup${hierarchy}/system.slice/${unit}/payload`);
    const pids = (await Promise.all(groups.map(pidsBelow))).find((found) => found.length > 0) ?? [];
    const facts = await Promise.all(pids.slice(0, PROCESSES_MAX).map(factsOf));
    return facts.filter((one) => one !== undefined);
  },
  usageOf: (unit, pid) => unitUsage({ name: unit, pid }),
};

/** From the text of /proc/PID/cgroup: version 2 has one line that names no controller. */
export function cgroupFolders(lines: string): string[] {
  return lines
    .split('\n')
    .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, controllers = '', path = '']) => {
      const hierarchy = controllers === '' ? '' : `/${controllers.replace(/^name=/, '')}`;
      return `/sys/fs/cgroup${hierarchy}${path}`;
    });
}

async function pidsBelow(group: string): Promise<number[]> {
  const pids: number[] = [];
  const folders = [group];
  for (let at = 0; at < folders.length && at < FOLDERS_MAX; at++) {
    const folder = folders[at]!;
    pids.push(...(await text(`${folder}/cgroup.procs`)).split('\n').filter(Boolean).map(Number));
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    folders.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${folder}/${name}`));
  }
  return pids;
}

/** Undefined when it has ended. */
async function factsOf(pid: number): Promise<ProcessFacts | undefined> {
  const [status, stat, commandLine] = await Promise.all(
    ['status', 'stat', 'cmdline'].map((file) => text(`/proc/${pid}/${file}`)),
  );
  return processFacts({ pid, status: status!, stat: stat!, commandLine: commandLine! });
}

interface ProcessFiles {
  readonly pid: number;
  readonly status: string;
  readonly stat: string;
  readonly commandLine: string;
}

/** From the texts of /proc/PID: what is not there belongs to a process that has ended. */
export function processFacts({ pid, status, stat, commandLine }: ProcessFiles): ProcessFacts | undefined {
  const word = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1]?.trim();
  // The name in brackets may hold anything.
  const numbers = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = numbers[0];
  if (state === undefined || state === '' || status === '') return undefined;
  const ticks = Number(numbers[11]) + Number(numbers[12]);
  const words = commandLine.split('\0').slice(0, -1).join(' ');
  return {
    pid,
    parent: Number(word('PPid') ?? 0),
    pidInside: Number((word('NSpid') ?? String(pid)).split(/\s+/).at(-1)),
    user: Number((word('Uid') ?? '0').split(/\s+/)[0]),
    state,
    cpuMillis: Math.round((ticks * 1000) / TICKS_PER_SECOND),
    memoryBytes: Number(/^(\d+) kB$/.exec(word('VmRSS') ?? '')?.[1] ?? 0) * 1024,
    command: words === '' ? `[${word('Name') ?? ''}]` : words,
  };
}

/** From the text of /proc/PID/status: it is process 1 of the innermost namespace. */
function isFirst(status: string): boolean {
  return /^NSpid:.*\t1$/m.test(status);
}

async function childrenOf(pid: number): Promise<number[]> {
  return (await text(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean).map(Number);
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** What the kernel tells of processes, as far as it is needed to step into a container. */
import { readFile, readlink } from 'node:fs/promises';

export interface Processes {
  /** First process of the container that a supervisor runs, as the host numbers it; undefined before there is one. */
  leaderOf(supervisor: number): Promise<number | undefined>;

  /** The folders under /sys/fs/cgroup that a process is in, one for each hierarchy. */
  cgroupsOf(pid: number): Promise<string[]>;

  /** What a process's first child runs, as a path inside its container; undefined when it has none. */
  childProgram(pid: number): Promise<string | undefined>;
}

export const kernelProcesses: Processes = {
  async leaderOf(supervisor) {
    for (const pid of await childrenOf(supervisor)) {
      if (isFirst(await text(`/proc/${pid}/status`))) return pid;
    }
    return undefined;
  },
  cgroupsOf: async (pid) => cgroupFolders(await text(`/proc/${pid}/cgroup`)),
  async childProgram(pid) {
    const [child] = await childrenOf(pid);
    if (child === undefined) return undefined;
    return readlink(`/proc/${child}/exe`).catch(() => undefined);
  },
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

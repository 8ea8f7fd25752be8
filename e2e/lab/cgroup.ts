/**
 * The lab's control groups: one subtree for the lab, a leaf for each node, one
 * for the gateway. They are how the lab finds what runs and how it ends it: a
 * process cannot leave, its number may be reused but its membership not, and
 * `cgroup.kill` ends all members in one step.
 */
import { existsSync, statfsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';

const CGROUP2_MAGIC = 0x63677270;
const POLL_MS = 5;
const KILL_MS_MAX = 20_000;

/** Where version 2 is mounted, and further hierarchies that nspawn expects to find its group in. */
export interface CgroupMounts {
  readonly unified: string;
  readonly named: readonly string[];
}

/** Handles a unified host, and a hybrid one where version 2 has a folder of its own. */
export function cgroupMounts(root = '/sys/fs/cgroup'): CgroupMounts {
  if (isCgroup2(root)) return { unified: root, named: [] };
  const unified = join(root, 'unified');
  if (isCgroup2(unified)) {
    const named = join(root, 'systemd');
    return { unified, named: existsSync(named) ? [named] : [] };
  }
  throw new VoltError('DEPENDENCY', `No cgroup version 2 hierarchy under '${root}'`, {
    hint: 'Boot with systemd.unified_cgroup_hierarchy=1, or mount -t cgroup2 none /sys/fs/cgroup',
  });
}

function isCgroup2(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === CGROUP2_MAGIC;
}

/** One group, in each hierarchy it has to exist in. The first folder is the version 2 one. */
export class Cgroup {
  readonly path: string;
  readonly folders: readonly string[];

  constructor(mounts: CgroupMounts, name: string) {
    this.path = join(mounts.unified, name);
    this.folders = [mounts.unified, ...mounts.named].map((mount) => join(mount, name));
  }

  async create(): Promise<void> {
    for (const folder of this.folders) await mkdir(folder, { recursive: true });
  }

  /** Lets the groups below have limits of their own, as far as this machine offers them here. */
  async delegateControllers(): Promise<void> {
    const offered = (await readFile(join(this.path, 'cgroup.controllers'), 'utf8')).split(/\s+/).filter(Boolean);
    for (const controller of offered) {
      await writeFile(join(this.path, 'cgroup.subtree_control'), `+${controller}`).catch(() => {});
    }
  }

  async isPopulated(): Promise<boolean> {
    const events = await readFile(join(this.path, 'cgroup.events'), 'utf8').catch(() => '');
    return /^populated 1$/m.test(events);
  }

  /** Members of the group `below` this one, not of its descendants. */
  async members(below = ''): Promise<number[]> {
    const text = await readFile(join(this.path, below, 'cgroup.procs'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean).map(Number);
  }

  /** Ends every member, nested ones included, and resolves once they are gone. */
  async kill(): Promise<void> {
    if (!existsSync(this.path)) return;
    await writeFile(join(this.path, 'cgroup.kill'), '1');
    await this.untilEmpty(KILL_MS_MAX);
  }

  async untilEmpty(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (await this.isPopulated()) {
      if (Date.now() > deadline) {
        throw new VoltError('TIMEOUT', `Processes in '${this.path}' did not end within ${timeoutMs} ms`);
      }
      await pause(POLL_MS);
    }
  }

  /** Removes the group and those below. Succeeds if it is not there; the group must be empty. */
  async remove(): Promise<void> {
    for (const folder of this.folders) await removeTree(folder);
  }
}

async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  }
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

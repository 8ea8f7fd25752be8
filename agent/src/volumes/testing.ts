/** For tests: volumes in a folder of their own, with quotas that are only noted. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { kernelSpecialFiles, kernelXattrs, NodePrograms, type ProjectQuotas } from '../host/index.ts';
import { tempFolder } from '../store/testing.ts';
import { Volumes, type VolumeUser } from './volumes.ts';

export const signal = new AbortController().signal;
export const silent = async (): Promise<void> => {};

export interface TestVolumes {
  readonly folder: string;
  readonly volumes: Volumes;
  /** Who has what; tests write to it. */
  readonly users: VolumeUser[];
  /** What was asked of the file system. */
  readonly limits: Map<number, number>;
  /** The same folder, after the agent was killed and started again. */
  readonly restarted: () => Promise<Volumes>;
}

export async function tempVolumes({ hasQuotas = true } = {}): Promise<TestVolumes> {
  const folder = join(tempFolder(), 'volumes');
  const users: VolumeUser[] = [];
  const limits = new Map<number, number>();
  const quotas: ProjectQuotas = {
    areEnforced: () => hasQuotas,
    assign: () => true,
    limit: (_, project, bytes) => limits.set(project, bytes).size > 0,
  };
  const open = async () => {
    const volumes = new Volumes({
      folder,
      programs: new NodePrograms(),
      quotas,
      specials: kernelSpecialFiles,
      xattrs: kernelXattrs,
      users: () => users,
      now: () => new Date('2026-01-01T00:00:00Z'),
    });
    await volumes.recover();
    return volumes;
  };
  return { folder, volumes: await open(), users, limits, restarted: open };
}

export const userOf = (container: string, source: string, target = '/data'): VolumeUser => ({
  container,
  mounts: [{ type: 'volume', source, target, readOnly: false }],
});

/** One of everything that a volume can hold. */
export function fillFolder(root: string): void {
  fs.mkdirSync(join(root, 'bin'), { recursive: true });
  fs.writeFileSync(join(root, 'bin/tool'), 'a tool');
  fs.linkSync(join(root, 'bin/tool'), join(root, 'bin/alias'));
  fs.symlinkSync('/etc/shadow', join(root, 'bin/link'));
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0x0a])]), 'odd name');
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(3 * 1024 * 1024, 'large'));
  fs.writeFileSync(join(root, 'holes'), '');
  fs.truncateSync(join(root, 'holes'), 64 * 1024 * 1024);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  fs.chownSync(join(root, 'bin/tool'), 1234, 33);
  fs.chmodSync(join(root, 'bin/tool'), 0o4755);
  fs.lchownSync(join(root, 'bin/link'), 5, 6);
  kernelSpecialFiles.setXattr(Buffer.from(join(root, 'large')), 'user.note', Buffer.from('kept'));
  fs.chownSync(join(root, 'bin'), 7, 8);
  fs.chmodSync(join(root, 'bin'), 0o2750);
  // Node sets times through microseconds, so they are ones that it can set.
  execFileSync('find', [root, '-depth', '-exec', 'touch', '-h', '-d', '@1600000000.25', '{}', ';']);
}

/** All that can be told of a folder. */
export function listing(root: string): string {
  const found = 'find . -printf "%p %y %m %U:%G %n %s %T@ %l\\n"';
  // What a folder takes of the disk follows from how it came about.
  const folders = 'sed -E "s/ d ([0-9]+) ([0-9:]+) [0-9]+ [0-9]+/ d \\1 \\2/"';
  const script = `${found} | ${folders} | sort; getfattr -R -d -m . . | cat; find . -type f -exec md5sum {} + | sort`;
  return execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Folders and files of the node that a container is to see. */
import { statSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import type { Mount } from '@volt/shared/model';
import type { Programs } from '../host/index.ts';

/** NOT_FOUND for what is not there; DEPENDENCY for what cannot be shown with the users that are inside. */
export async function lookAtBinds(programs: Programs, mounts: readonly Mount[], isMapped: boolean): Promise<Mount[]> {
  const looked: Mount[] = [];
  for (const mount of mounts) {
    if (mount.type !== 'bind') {
      looked.push(mount);
      continue;
    }
    const isFile = isFileThere(mount.source);
    if (isMapped) await refuseUnmappable(programs, mount.source);
    looked.push({ ...mount, ...(isFile && { isFile }) });
  }
  return looked;
}

function isFileThere(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (cause) {
    throw new VoltError('NOT_FOUND', `There is no '${path}' on this node`, { hint: `mkdir -p ${path}`, cause });
  }
}

/** Asks the kernel, in a view of the machine that ends with the question. */
async function refuseUnmappable(programs: Programs, path: string): Promise<void> {
  const mount = ['/usr/bin/mount', '-o', 'bind,X-mount.idmap=0:655360:65536', '--', path, path];
  const argv = ['/usr/bin/unshare', '--mount', '--', ...mount];
  const { code } = await programs.run(argv, { signal: new AbortController().signal });
  if (code === 0) return;
  throw new VoltError('DEPENDENCY', `The file system of '${path}' cannot show its files to users of a container`, {
    hint: 'ext4, XFS, btrfs and tmpfs can; overlays and network file systems cannot. Or use a volume',
  });
}

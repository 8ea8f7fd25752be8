/** What the process holds and an agent that idles has no use for goes back to the kernel. */
import { readFileSync } from 'node:fs';
import { callsOf } from './libc.ts';
import { unchangedMappings } from './mappings.ts';

const c = callsOf({
  malloc_trim: { return: 'int32', arguments: ['uint64'] },
  madvise: { return: 'int32', arguments: ['uint64', 'uint64', 'int32'] },
});

const MADV_DONTNEED = 4;
/** More of its files than an agent has in use while it idles in a cluster, which is 25 MiB. */
const FILE_KIB_MAX = 32 * 1024;

/**
 * Freed memory first: the C library keeps it for the next to ask, up to ten
 * megabytes after a start. Takes a fraction of a millisecond when there is little.
 *
 * Then the program itself, when more than `fileKibMax` of it has been touched:
 * most was for the start. The pages stay in the kernel's cache, as anybody's,
 * and what is used again is found there: half a millisecond in all.
 */
export function releaseSpareMemory(fileKibMax = FILE_KIB_MAX): void {
  const { malloc_trim: trim, madvise } = c();
  trim(0n);
  if (residentFileKib() <= fileKibMax) return;
  for (const { start, bytes } of unchangedMappings(readFileSync('/proc/self/smaps', 'latin1'))) {
    // A piece that the kernel does not let go of stays: nothing depends on it.
    madvise(start, bytes, MADV_DONTNEED);
  }
}

/** How much of mapped files counts as this process's memory. */
export function residentFileKib(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0);
}

import { callsOf } from './libc.ts';

const c = callsOf({ malloc_trim: { return: 'int32', arguments: ['uint64'] } });

/**
 * Gives back to the kernel what was freed. The C library keeps it for the next
 * to ask, up to ten megabytes after a start, which an agent that idles has no
 * use for. Takes a fraction of a millisecond when there is little.
 */
export function releaseSpareMemory(): void {
  c().malloc_trim(0n);
}

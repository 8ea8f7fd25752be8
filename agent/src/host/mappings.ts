/** A piece of the process's address space. */
export interface Mapping {
  readonly start: bigint;
  readonly bytes: bigint;
}

const MAPPING_BEGINS = /\n(?=[0-9a-f]+-[0-9a-f]+ )/;
/** Range, rights, offset, device, inode, path: not writable, private, and of a file. */
const OF_A_FILE = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +\//;
/** A page that this process has changed, as the loader changes some at the start, is a copy of its own. */
const UNCHANGED = /^Anonymous: +0 kB$/m;

/** Of a /proc/PID/smaps: the mappings that are nothing but what their files say. */
export function unchangedMappings(smaps: string): Mapping[] {
  return smaps.split(MAPPING_BEGINS).flatMap((entry) => {
    const [, from, to] = OF_A_FILE.exec(entry) ?? [];
    if (from === undefined || to === undefined || !UNCHANGED.test(entry)) return [];
    const start = BigInt(`0x${from}`);
    return [{ start, bytes: BigInt(`0x${to}`) - start }];
  });
}

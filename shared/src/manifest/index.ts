export { MANIFEST_BYTES_MAX, parseManifest } from './parse.ts';
export { invalidFile, type Problem } from './problem.ts';
export { ManifestWorkload } from './schema.ts';
export { parseCpuMillis, parseMemoryMiB } from './units.ts';

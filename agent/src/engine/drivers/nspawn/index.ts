export { NspawnDriver, type Host } from './nspawn-driver.ts';
export { NspawnFiles } from './files.ts';
export { defaultPaths, type Paths } from './paths.ts';

export { NspawnDriver, type Host } from './nspawn-driver.ts';
export { defaultPaths, type Paths } from './paths.ts';

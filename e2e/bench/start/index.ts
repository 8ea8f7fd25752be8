export { install, type Measure, startMeter } from './bench-node.ts';
export { preparePodman } from './podman.ts';
export { start } from './start.ts';

export { install, type Measure, startMeter } from './bench-node.ts';
export { start } from './start.ts';

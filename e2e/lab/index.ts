export { eventually } from './eventually.ts';
export { type EvidenceCommand } from './evidence.ts';
export { prepareHost } from './host.ts';
export { Lab, openLab, type LabOptions, type UpOptions } from './lab.ts';
export { type ExecOptions, type LabNode } from './node.ts';
export { type Outcome } from './process.ts';
export { DEFAULT_BINARY, relays, type RelayName } from './settings.ts';

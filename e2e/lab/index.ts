export { ensureBase, type Flavour } from './base-image.ts';
export { eventually } from './eventually.ts';
export { type EvidenceCommand } from './evidence.ts';
export { prepareHost } from './host.ts';
export { Lab, openLab, type LabOptions, type UpOptions } from './lab.ts';
export { type ExecOptions, type LabNode } from './node.ts';
export { lastLines, mustRun, type Outcome } from './process.ts';
export { DEFAULT_BINARY, defaultLabDir, relays, type RelayName, type Report } from './settings.ts';

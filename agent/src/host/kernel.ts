/** What only the kernel can tell or do, each behind a small port with its one real implementation. */
export { kernelProcesses, type ProcessFacts, type Processes } from './processes.ts';
export { kernelProjectQuotas, type ProjectQuotas } from './project-quotas.ts';
export { kernelSpecialFiles, type SpecialFiles } from './special-files.ts';
export { kernelXattrs, type Xattrs } from './xattrs.ts';

export { complete, protocol, type Completion } from './complete.ts';
export { completionScripts } from './scripts.ts';

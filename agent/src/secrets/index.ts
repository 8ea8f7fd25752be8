export { collect } from './collect.ts';
export { KeptFiles } from './kept-files.ts';
export { sealing } from './seal.ts';

export { catalog, run } from './run.ts';

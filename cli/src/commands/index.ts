export { handCommands } from './all.ts';
export { stayingWithRun } from './container-run.ts';
export { pullingFirst } from './run-pull.ts';

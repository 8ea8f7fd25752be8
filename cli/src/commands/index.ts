export { handCommands } from './all.ts';

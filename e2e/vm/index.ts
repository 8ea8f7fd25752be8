export { type Machine } from './machine.ts';
export { openTestMachine } from './testing.ts';

export { Catalog } from './catalog.ts';
export { command, type Command, type NameSource } from './command.ts';
export { deriveCommands, plural } from './derive.ts';

export { commandHelp, globalOptions, partsOf, type CommandParts } from './command-help.ts';
export { groupHelp, nouns, overview } from './overview.ts';

export { commandHelp, globalOptions, partsOf, type CommandParts } from './command-help.ts';
export { groupHelp, inOrder, nouns, overview } from './overview.ts';

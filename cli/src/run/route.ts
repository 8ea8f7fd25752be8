/** From what was typed to the command that is meant, before any of its flags are looked at. */
import { VoltError } from '@volt/shared/errors';
import type { Catalog, Command } from '../catalog/index.ts';
import { fieldsOf } from '../fields/index.ts';
import { globalLetters, globalParams } from '../settings/index.ts';

export type Route =
  | { readonly kind: 'overview' }
  | { readonly kind: 'group'; readonly noun: string }
  | { readonly kind: 'help'; readonly command: Command }
  | { readonly kind: 'run'; readonly command: Command; readonly words: readonly string[] };

/** Throws USAGE when no command is called that, with the one that may have been meant. */
export function routeOf(argv: readonly string[], catalog: Catalog): Route {
  const wantsHelp = argv[0] === 'help' || isHelpWanted(argv);
  const { path, others } = splitPath(argv[0] === 'help' ? argv.slice(1) : argv, catalog);
  const command = catalog.find(path.join(' '));
  if (command !== undefined) return wantsHelp ? { kind: 'help', command } : { kind: 'run', command, words: others };

  const [noun, verb] = path;
  if (noun === undefined) {
    if (wantsHelp || argv.length === 0) return { kind: 'overview' };
    throw new VoltError('USAGE', 'There is no command', { hint: 'volt --help' });
  }
  if (verb === undefined && catalog.nouns().includes(noun)) {
    if (wantsHelp) return { kind: 'group', noun };
    const verbs = catalog.group(noun).map(({ path: full }) => full.slice(noun.length + 1));
    throw new VoltError('USAGE', `'volt ${noun}' needs a verb: ${verbs.join(', ')}`, { hint: `volt ${noun} --help` });
  }
  const words = catalog.nouns().includes(noun) ? path.join(' ') : noun;
  const help = words.includes(' ') ? `volt ${noun} --help` : 'volt --help';
  throw new VoltError('USAGE', `Unknown command '${words}'`, { hint: catalog.suggest(words) ?? help });
}

function isHelpWanted(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

/** Global flags may stand before the command and within it; everything else comes after. */
function splitPath(argv: readonly string[], catalog: Catalog): { path: string[]; others: string[] } {
  const path: string[] = [];
  const others: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    if (path.length === 2 || word === '--' || catalog.find(path.join(' ')) !== undefined) break;
    if (!word.startsWith('-')) {
      path.push(word);
      continue;
    }
    others.push(word);
    if (takesValue(word) && at + 1 < argv.length) others.push(argv[++at]!);
  }
  return { path, others: [...others, ...argv.slice(at)] };
}

const globals = fieldsOf(globalParams, globalLetters);

function takesValue(word: string): boolean {
  const field = globals.find(({ flag, letter }) => word === `--${flag}` || word === `-${letter}`);
  return field !== undefined && field.kind !== 'boolean';
}

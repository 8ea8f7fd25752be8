/** All commands there are. Plain data: nothing is parsed or connected by having it. */
import { didYouMean } from '@volt/shared/lib';
import type { Command } from './command.ts';

export class Catalog {
  readonly commands: readonly Command[];
  readonly #byWord = new Map<string, Command>();

  constructor(commands: readonly Command[]) {
    this.commands = commands;
    for (const command of commands) {
      for (const word of [command.path, ...(command.alias === undefined ? [] : [command.alias])]) {
        if (this.#byWord.has(word)) throw new Error(`Two commands are called '${word}'`);
        this.#byWord.set(word, command);
      }
    }
  }

  /** By path or by second name. */
  find(words: string): Command | undefined {
    return this.#byWord.get(words);
  }

  /** The commands of one noun. */
  group(noun: string): Command[] {
    return this.commands.filter(({ path }) => path.startsWith(`${noun} `));
  }

  /** First words of commands of two words, in the order of the catalogue. */
  nouns(): string[] {
    const nouns = this.commands.filter(({ path }) => path.includes(' ')).map(({ path }) => path.split(' ')[0]!);
    return [...new Set(nouns)];
  }

  /** Commands that can be typed as one word; those that have it as a second name come first. */
  singles(): { word: string; command: Command }[] {
    const singles = [...this.#byWord].filter(([word]) => !word.includes(' '));
    return singles.toSorted((a, b) => rank(a) - rank(b)).map(([word, command]) => ({ word, command }));
  }

  /** What may have been meant by a command that there is not. */
  suggest(words: string): string | undefined {
    const [first = '', second] = words.split(' ');
    return second === undefined ? this.#suggestWord(first) : this.#suggestVerb(first, second);
  }

  /** A verb without its noun, a noun in the plural, or one of both mistyped. */
  #suggestWord(word: string): string | undefined {
    const plural = this.find(`${word.replace(/s$/, '')} list`);
    if (plural !== undefined && word.endsWith('s')) return `volt ${plural.path}`;
    const verb = ours(word);
    const meant = this.commands.filter(({ path }) => path.endsWith(` ${verb}`)).map(({ path }) => `volt ${path}`);
    const preferred = meant.toSorted((a, b) => Number(isOfContainers(b)) - Number(isOfContainers(a)));
    if (preferred.length > 0) return preferred.slice(0, SUGGESTIONS_MAX).join(', ');
    return didYouMean(word, [...this.nouns(), ...this.singles().map(({ word: single }) => single)]);
  }

  #suggestVerb(noun: string, verb: string): string | undefined {
    const meant = this.find(`${noun} ${ours(verb)}`);
    if (meant !== undefined) return `did you mean '${meant.path}'?`;
    return didYouMean(
      `${noun} ${verb}`,
      this.group(noun).map(({ path }) => path),
    );
  }
}

const SUGGESTIONS_MAX = 4;

/** What others call it: people type what they are used to. */
const otherWords: Readonly<Record<string, string>> = {
  ...{ ls: 'list', ps: 'list', rm: 'delete', rmi: 'delete', remove: 'delete', del: 'delete', destroy: 'delete' },
  ...{ unpause: 'resume', freeze: 'pause', save: 'export', load: 'import', show: 'inspect', describe: 'inspect' },
  ...{ get: 'inspect', info: 'inspect', copy: 'cp', mv: 'rename', stat: 'stats', df: 'du' },
};

const ours = (verb: string): string => otherWords[verb] ?? verb;

const isOfContainers = (command: string): boolean => command.startsWith('volt container ');

const rank = ([word, { path }]: [string, Command]) => (word === path ? 1 : 0);

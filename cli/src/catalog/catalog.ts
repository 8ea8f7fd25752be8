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

  suggest(words: string): string | undefined {
    const [noun = '', verb] = words.split(' ');
    if (verb === undefined) return didYouMean(noun, [...this.nouns(), ...this.singles().map(({ word }) => word)]);
    return didYouMean(
      words,
      this.group(noun).map(({ path }) => path),
    );
  }
}

const rank = ([word, { path }]: [string, Command]) => (word === path ? 1 : 0);

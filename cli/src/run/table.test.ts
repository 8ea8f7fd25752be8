/** Loops over every command there is: what each of them must have. */
import { agentMethods, controllerMethods, type AnyMethod } from '@volt/shared/rpc';
import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../fields/index.ts';
import { commandHelp, overview } from '../help/index.ts';
import { globalLetters } from '../settings/index.ts';
import { parse } from './parse.ts';
import { routeOf } from './route.ts';
import { catalog } from './run.ts';
import { splitWords } from '@volt/shared/lib';

const commands = catalog();
const rows: Record<string, AnyMethod> = { ...agentMethods, ...controllerMethods };

test('every row has a command, unless it says that it has none', () => {
  for (const [method, row] of Object.entries(rows)) {
    if (row.cli === 'hidden') continue;
    const path = row.cli === 'hand' ? method.replace('.', ' ') : row.cli.command;
    expect(commands.find(path), `write '${path}' in cli/src/commands, or give the row a shape`).toBeDefined();
  }
});

test('paths and second names are unique, and no second name hides a noun', () => {
  const nouns = commands.nouns();
  for (const { word } of commands.singles()) expect(nouns).not.toContain(word);
});

test('every noun is explained at the top', () => {
  for (const noun of commands.nouns())
    expect(overview(commands), `add '${noun}' to help/overview.ts`).not.toContain(`\n${noun}:\n`);
});

test('the top fits 100 columns', () => {
  for (const line of overview(commands).split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
});

describe.each(commands.commands.map((command) => [command.path, command] as const))('%s', (path, command) => {
  const fields = fieldsOf(command.params, command.short);

  test('has help that fits 100 columns, tells what it takes and what it exits with', () => {
    const help = commandHelp(command);
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(help).toContain(`Usage: volt ${path}`);
    expect(help).toContain('Exit codes:');
    for (const field of fields) expect(help.toLowerCase(), field.param).toContain(field.flag.toLowerCase());
  });

  test('explains every param', () => {
    for (const field of fields) expect(field.description, `describe '${field.param}' in its row`).not.toBe('');
  });

  test('has one-letter flags that are its own', () => {
    const letters = Object.keys(command.short);
    for (const letter of letters) {
      expect(letter, 'a letter').toMatch(/^[a-zA-Z]$/);
      expect(Object.keys(globalLetters), 'not one of the global letters').not.toContain(letter);
      expect(letter, 'not the letter of help').not.toBe('h');
      expect(fields.map(({ param }) => param)).toContain(command.short[letter]);
    }
    expect(new Set(Object.values(command.short)).size).toBe(letters.length);
  });

  test('has an example that parses', () => {
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      const words = wordsOf(example);
      const route = routeOf(words, commands);
      if (route.kind !== 'run') throw new Error(`'${example}' is no command line`);
      expect(route.command.path).toBe(path);
      parse(route.command, route.words, { COLOR: 'blue' });
    }
  });

  test('takes its arguments from its params', () => {
    for (const param of [...command.positional, ...(command.rest === undefined ? [] : [command.rest])]) {
      expect(Object.keys(command.params.shape)).toContain(param);
    }
  });
});

/** What the shell would hand to volt in an example that has more in it than that. */
function wordsOf(example: string): string[] {
  const own = example
    .replace(/^.*\bvolt /, '')
    .replace(/ (?:<|>|<<<) .*$/, '')
    .replace(/\)$/, '');
  return splitWords(own)!;
}

/** What may come next on a command line that is being typed. */
import type { Catalog, Command, NameSource } from '../catalog/index.ts';
import { fieldsOf, type Field } from '../fields/index.ts';
import { globalLetters, globalParams } from '../settings/index.ts';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Whether names of files fit here as well. */
  readonly takesFiles: boolean;
}

const globals = fieldsOf(globalParams, globalLetters);
const fileParams = new Set(['file', 'tokenFile', 'ca', 'cert', 'key']);
const nothing: Completion = { candidates: [], takesFiles: false };

/** `words` is what stands after `volt`; the last of them is being typed, and may be empty. */
export async function complete(
  words: readonly string[],
  catalog: Catalog,
  names: (source: NameSource) => Promise<readonly string[]>,
): Promise<Completion> {
  const partial = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return { candidates: [], takesFiles: true };

  const { path, rest, flag } = read(before, catalog);
  const command = catalog.find(path.join(' '));
  const fields = [...(command === undefined ? [] : fieldsOf(command.params, command.short)), ...globals];
  const found = await candidatesFor();
  return { ...found, candidates: found.candidates.filter(({ value }) => value.startsWith(partial)) };

  async function candidatesFor(): Promise<Completion> {
    if (flag !== undefined) return valuesOf(flag, command, names);
    const [, typed = '', name] = /^(--([a-z-]+)=)/.exec(partial) ?? [];
    const inOneWord = fields.find((field) => field.flag === name);
    if (inOneWord !== undefined) return prefixed(typed, await valuesOf(inOneWord, command, names));
    if (partial.startsWith('-')) return flagsOf(fields, command);
    if (command === undefined) return wordsAfter(path, catalog);
    const param = command.positional[rest.length] ?? command.rest;
    const field = fields.find((one) => one.param === param);
    return field === undefined ? nothing : valuesOf(field, command, names);
  }
}

/** The command words, the other words, and the flag that waits for its value. */
function read(before: readonly string[], catalog: Catalog) {
  const path: string[] = [];
  const rest: string[] = [];
  let flag: Field | undefined;
  for (const word of before) {
    const command = catalog.find(path.join(' '));
    if (flag !== undefined) flag = undefined;
    else if (word.startsWith('-')) flag = waiting(word, command);
    else if (command === undefined && path.length < 2) path.push(word);
    else rest.push(word);
  }
  return { path, rest, flag };
}

function waiting(word: string, command: Command | undefined): Field | undefined {
  if (word.includes('=')) return undefined;
  const fields = [...(command === undefined ? [] : fieldsOf(command.params, command.short)), ...globals];
  const name = word.replace(/^--?/, '');
  const field = fields.find((one) => (word.startsWith('--') ? one.flag === name : one.letter === name));
  return field?.kind === 'boolean' ? undefined : field;
}

async function valuesOf(
  field: Field,
  command: Command | undefined,
  names: (source: NameSource) => Promise<readonly string[]>,
): Promise<Completion> {
  if (field.choices.length > 0) return { candidates: field.choices.map(plain), takesFiles: false };
  const source =
    command?.names[field.param] ?? (field.param === 'node' || field.param === 'context' ? field.param : undefined);
  if (source !== undefined) return { candidates: (await names(source)).map(plain), takesFiles: false };
  return { candidates: [], takesFiles: fileParams.has(field.param) };
}

function flagsOf(fields: readonly Field[], command: Command | undefined): Completion {
  const positional = new Set([...(command?.positional ?? []), command?.rest]);
  const candidates = fields
    .filter(({ param }) => !positional.has(param))
    .map(({ flag, description }) => ({ value: `--${flag}`, description }));
  return { candidates: [...candidates, { value: '--help', description: 'Show help.' }], takesFiles: false };
}

function wordsAfter([noun]: readonly string[], catalog: Catalog): Completion {
  if (noun !== undefined) {
    const candidates = catalog
      .group(noun)
      .map(({ path, summary }) => ({ value: path.slice(noun.length + 1), description: summary }));
    return { candidates, takesFiles: false };
  }
  const nouns = catalog.nouns().map((value) => ({ value, description: '' }));
  const singles = catalog.singles().map(({ word, command }) => ({ value: word, description: command.summary }));
  return { candidates: [...singles, ...nouns], takesFiles: false };
}

/** `--output=` and its value are one word to the shell. */
const prefixed = (prefix: string, { candidates, takesFiles }: Completion): Completion => ({
  candidates: candidates.map(({ value, description }) => ({ value: prefix + value, description })),
  takesFiles,
});

const plain = (value: string): Candidate => ({ value, description: '' });

const NO_FILES = 4;
const WITH_FILES = 0;

/** The lines the shell scripts read: one candidate each, then what the shell may add of its own. */
export function protocol({ candidates, takesFiles }: Completion): string {
  const lines = candidates.map(({ value, description }) => `${value}\t${description}`);
  return [...lines, `:${takesFiles ? WITH_FILES : NO_FILES}`].map((line) => `${line}\n`).join('');
}

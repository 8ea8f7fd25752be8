/** Words of the command line into the params of a method. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean, splitWords } from '@volt/shared/lib';
import type { z } from 'zod';
import type { Field } from './field.ts';

/** What was typed for each param: the values of a flag as often as it was given, or `true` for a switch. */
export type Typed = Readonly<Record<string, boolean | readonly string[] | undefined>>;
type Env = Readonly<Record<string, string | undefined>>;

/** Turns what was typed into values. Throws USAGE that names the flag. */
export function readValues(
  fields: readonly Field[],
  typed: Typed,
  { env, label }: { env: Env; label: (field: Field) => string },
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const words = typed[field.param];
    if (words !== undefined) values[field.param] = readValue(field, words, { env, label: label(field) });
  }
  return values;
}

function readValue(
  field: Field,
  words: boolean | readonly string[],
  { env, label }: { env: Env; label: string },
): unknown {
  if (typeof words === 'boolean') return words;
  const last = words.at(-1)!;
  switch (field.kind) {
    case 'boolean':
      return readBoolean(label, last);
    case 'number':
      return readNumber(label, last);
    case 'choice':
      return readChoice(field, label, last);
    case 'list':
      return words.flatMap((word) => word.split(',').filter((item) => item !== ''));
    case 'words':
      return [...words];
    case 'argv':
      return words.length > 1 ? words : readArgv(label, last);
    case 'record':
      return Object.fromEntries(words.map((word) => readPair(field, word, env)));
    case 'text':
      return isSuggested(field, last) ? last : readChoice(field, label, last);
  }
}

/** Whether a text can be right; what follows a colon is told by its schema. */
const isSuggested = ({ choices }: Field, word: string): boolean =>
  choices.length === 0 || choices.includes(word.split(':')[0]!);

/** What to call the field when it is wrong. */
export const labelOf = (field: Field, isPositional: boolean): string =>
  isPositional ? field.flag.toUpperCase() : `--${field.flag}`;

function readBoolean(label: string, word: string): boolean {
  if (word === 'true') return true;
  if (word === 'false') return false;
  throw new VoltError('USAGE', `'${label}' is true or false, not '${word}'`);
}

function readNumber(label: string, word: string): number {
  if (!/^-?\d+(?:\.\d+)?$/.test(word)) throw new VoltError('USAGE', `'${label}' must be a number, not '${word}'`);
  return Number(word);
}

function readChoice(field: Field, label: string, word: string): string {
  if (field.choices.includes(word)) return word;
  const choices = field.choices.join(', ');
  throw new VoltError('USAGE', `'${label}' must be one of ${choices}; not '${word}'`, {
    hint: didYouMean(word, field.choices),
  });
}

function readArgv(label: string, word: string): string[] {
  const words = splitWords(word);
  if (words !== undefined) return words;
  throw new VoltError('USAGE', `'${label}': a quote is not closed in ${word}`);
}

/** `KEY=VALUE`; for the environment also `KEY` alone, which hands on our own. */
function readPair(field: Field, word: string, env: Env): [string, string] {
  const at = word.indexOf('=');
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  if (field.param !== 'env' || at === 0) throw new VoltError('USAGE', `'--${field.flag}' must look like KEY=VALUE`);
  const value = env[word];
  if (value === undefined) {
    throw new VoltError('USAGE', `'${word}' is not set in the environment`, { hint: `--${field.flag} ${word}=VALUE` });
  }
  return [word, value];
}

/** Checks all values together, as the server will. Throws USAGE in the words of the command line. */
export function checkValues<P extends z.ZodObject>(
  params: P,
  values: Readonly<Record<string, unknown>>,
  label: (param: string) => string,
): z.output<P> {
  const parsed = params.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const [param, ...rest] = issue.path.map(String);
  if (param === undefined) throw new VoltError('USAGE', issue.message);
  const where = [label(param), ...(typeof values[param] === 'object' ? rest : [])].join(' ');
  throw new VoltError('USAGE', `${where}: ${issue.message.replace(/^Invalid input: /, '')}`);
}

/** The flags and arguments of one command, read by commander; only this one command is ever built. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import { Command as Parser, CommanderError, Option } from 'commander';
import type { Command } from '../catalog/index.ts';
import { checkValues, ENV_FILES, fieldsOf, labelOf, readValues, type Field, type Typed } from '../fields/index.ts';
import { readEnvFiles } from './env-file.ts';
import { globalLetters, globalParams, type GlobalValues } from '../settings/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Parsed {
  readonly globals: GlobalValues;
  /** Checked, with defaults. */
  readonly values: Record<string, unknown>;
  /** Only what was typed: the server knows its own defaults. */
  readonly given: Record<string, unknown>;
}

/** Throws USAGE in the words of the command line. */
export function parse(command: Command, words: readonly string[], env: Env): Parsed {
  const own = fieldsOf(command.params, command.short);
  // A param of the command itself hides a global flag of the same name.
  const taken = new Set(own.map(({ flag }) => flag));
  const letters = new Set(own.map(({ letter }) => letter));
  const globals = fieldsOf(globalParams, globalLetters)
    .filter(({ flag }) => !taken.has(flag))
    .map((field) => (letters.has(field.letter) ? { ...field, letter: undefined } : field));

  const byPosition = [...command.positional, ...(command.rest === undefined ? [] : [command.rest])];
  const flags = own.filter(({ param }) => !byPosition.includes(param));
  const { typed, args } = readFlags(command, [...flags, ...globals], words);

  const positional = placeArguments(command, own, args);
  const labels = { env, label: (field: Field) => labelOf(field, byPosition.includes(field.param)) };
  const given = withEnvFiles(readValues(own, { ...pick(typed, flags), ...positional }, labels), env);
  requireAll(own, given, byPosition, command);
  const label = (param: string) => labels.label(own.find((one) => one.param === param)!);
  const globalLabels = { env, label: (field: Field) => labelOf(field, false) };
  return {
    globals: checkValues(
      globalParams,
      readValues(globals, pick(typed, globals), globalLabels),
      (param) => `--${param}`,
    ),
    values: checkValues(command.params, given, label),
    given,
  };
}

/** `--no-color` is what other programs call `--color never`. */
function withoutColour(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.map((word, at) => (word === '--no-color' && (end === -1 || at < end) ? '--color=never' : word));
}

/** What is typed wins over what is in a file. */
function withEnvFiles({ [ENV_FILES]: files, ...given }: Record<string, unknown>, env: Env): Record<string, unknown> {
  if (files === undefined) return given;
  return { ...given, env: { ...readEnvFiles(files as string[], env), ...(given['env'] as object | undefined) } };
}

/** Two params of different origin can share a name only when the command's own hides the global one. */
const pick = (typed: Typed, fields: readonly Field[]): Typed =>
  Object.fromEntries(fields.map(({ param }) => [param, typed[param]]));

function readFlags(command: Command, fields: readonly Field[], words: readonly string[]) {
  const typed: Record<string, boolean | string[] | undefined> = {};
  const parser = new Parser(command.path).exitOverride().helpOption(false).allowExcessArguments(true);
  parser.configureOutput({ writeErr: () => {}, writeOut: () => {} }).argument('[words...]');
  for (const field of fields) for (const option of optionsOf(field, typed)) parser.addOption(option);
  try {
    parser.parse(withoutColour(words), { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) throw usageError(thrown, command, fields);
    throw thrown;
  }
  for (const field of fields) {
    if (field.kind !== 'boolean') continue;
    for (const option of parser.options) {
      const isGiven = parser.getOptionValueSource(option.attributeName()) === 'cli';
      if (option.attributeName() === attributeOf(field) && isGiven) {
        typed[field.param] = parser.getOptionValue(option.attributeName()) as boolean;
      }
    }
  }
  return { typed, args: parser.args };
}

const attributeOf = ({ flag }: Field) => new Option(`--${flag}`).attributeName();

function optionsOf(field: Field, typed: Record<string, boolean | string[] | undefined>): Option[] {
  const letter = field.letter === undefined ? '' : `-${field.letter}, `;
  if (field.kind === 'boolean') {
    const yes = new Option(`${letter}--${field.flag}`);
    return field.fallback === true ? [yes, new Option(`--no-${field.flag}`)] : [yes];
  }
  const collect = (word: string) => {
    const before = typed[field.param];
    typed[field.param] = [...(Array.isArray(before) ? before : []), word];
    return word;
  };
  const shown = new Option(`${letter}--${field.flag} <value>`).argParser(collect);
  const { plural } = field;
  return plural === undefined ? [shown] : [shown, new Option(`--${plural} <value>`).argParser(collect)];
}

function usageError(thrown: CommanderError, command: Command, fields: readonly Field[]): VoltError {
  const flag = /'(?:error: )?([^']*)'/.exec(thrown.message)?.[1] ?? '';
  if (thrown.code === 'commander.unknownOption') {
    const known = fields.map((field) => `--${field.flag}`);
    const behind =
      command.rest === 'command' ? `for the program's own flags: volt ${command.path} … -- COMMAND` : undefined;
    return new VoltError('USAGE', `Unknown flag '${flag}'`, {
      hint: didYouMean(flag, known) ?? behind ?? `volt ${command.path} --help`,
    });
  }
  if (thrown.code === 'commander.optionMissingArgument') {
    return new VoltError('USAGE', `'${flag.replace(/^-\w, | <.*/g, '')}' needs a value`, {
      hint: `volt ${command.path} --help`,
    });
  }
  return new VoltError('USAGE', thrown.message.replace(/^error: /, ''), { hint: `volt ${command.path} --help` });
}

function placeArguments(command: Command, own: readonly Field[], args: readonly string[]): Typed {
  const typed: Record<string, string[]> = {};
  command.positional.forEach((param, at) => {
    if (args[at] !== undefined) typed[param] = [args[at]];
  });
  const left = args.slice(command.positional.length);
  if (left.length === 0) return typed;
  if (command.rest === undefined) {
    throw new VoltError('USAGE', `'${left[0]}' is one argument too many`, { hint: `volt ${command.path} --help` });
  }
  // Words of a program are kept as they are; names may also come with commas.
  const kind = own.find(({ param }) => param === command.rest)?.kind;
  typed[command.rest] = kind === 'argv' && left.length === 1 ? [quote(left[0]!)] : [...left];
  return typed;
}

/** One word behind `--` is one word, whatever is in it. */
const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

function requireAll(
  own: readonly Field[],
  given: Readonly<Record<string, unknown>>,
  byPosition: readonly string[],
  command: Command,
): void {
  const missing = own.filter(({ isRequired, param }) => isRequired && given[param] === undefined);
  if (missing.length === 0) return;
  const labels = missing.map((field) => labelOf(field, byPosition.includes(field.param)));
  throw new VoltError('USAGE', `'volt ${command.path}' needs ${labels.join(' and ')}`, {
    hint: `volt ${command.path} --help`,
  });
}

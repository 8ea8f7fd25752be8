/** The help of one command, all of it read from the command itself. */
import { errorCodes, type ErrorCode } from '@volt/shared/errors';
import type { Command } from '../catalog/index.ts';
import { fieldsOf, type Field } from '../fields/index.ts';
import { globalLetters, globalParams } from '../settings/index.ts';
import { items, section, type Item } from './text.ts';

/** What any command can end with. */
const always: readonly ErrorCode[] = ['GENERAL', 'USAGE', 'PERMISSION', 'DAEMON', 'TIMEOUT', 'NETWORK', 'INTERRUPTED'];

/** A command as a person sees it; the reference on paper is made of the same parts. */
export interface CommandParts {
  readonly usage: string;
  readonly arguments: readonly Item[];
  readonly options: readonly Item[];
  readonly examples: readonly string[];
  readonly exits: readonly { readonly exit: number; readonly code: string; readonly meaning: string }[];
}

export function partsOf(command: Command): CommandParts {
  const fields = fieldsOf(command.params, command.short);
  const byParam = new Map(fields.map((field) => [field.param, field]));
  const positional = command.positional.map((param) => byParam.get(param)!);
  const rest = command.rest === undefined ? undefined : byParam.get(command.rest)!;
  const flags = fields.filter(({ param }) => !command.positional.includes(param) && param !== command.rest);
  const named = rest === undefined ? positional : [...positional, rest];
  return {
    usage: usage(command, { positional, rest, flags }),
    arguments: named.map((field) => ({ left: placeholder(field), right: explained(field) })),
    options: flags.map(option),
    examples: command.examples.map((example) => (/\bvolt /.test(example) ? example : `volt ${example}`)),
    exits: exitsOf(command),
  };
}

export function commandHelp(command: Command): string {
  const { usage: line, arguments: args, options, examples, exits } = partsOf(command);
  const codes = exits.map(({ exit, code, meaning }) => ({
    left: `${String(exit).padStart(2)}  ${code}`,
    right: meaning,
  }));
  const also = command.alias === undefined || command.alias === command.path ? [] : [`Also: volt ${command.alias}`];
  return [
    command.summary,
    '',
    `Usage: ${line}`,
    ...also,
    ...section('Arguments', items(args)),
    ...section('Options', items(options)),
    ...section('Global options', items(globalOptions())),
    ...section(
      'Examples',
      examples.map((example) => `  ${example}`),
    ),
    ...section('Exit codes', items([{ left: ' 0  OK', right: 'It was done.' }, ...codes])),
    '',
  ].join('\n');
}

export const globalOptions = (): Item[] => [
  ...fieldsOf(globalParams, globalLetters).map(option),
  { left: '-h, --help', right: 'Show help.' },
];

function usage(
  command: Command,
  { positional, rest, flags }: { positional: readonly Field[]; rest: Field | undefined; flags: readonly Field[] },
): string {
  const words = positional.map((field) => (field.isRequired ? placeholder(field) : `[${placeholder(field)}]`));
  const needed = flags.filter(({ isRequired }) => isRequired).map((field) => `--${field.flag} ${valueName(field)}`);
  const some = flags.length > needed.length ? ['[options]'] : [];
  return ['volt', command.path, ...words, ...needed, ...some, ...restWords(rest)].join(' ');
}

function restWords(rest: Field | undefined): string[] {
  if (rest === undefined) return [];
  // A program and its arguments stand behind `--`, so that its flags are its own.
  if (rest.param === 'command') return [rest.isRequired ? '-- COMMAND…' : '[-- COMMAND…]'];
  return [rest.isRequired ? placeholder(rest) : `[${placeholder(rest)}]`];
}

function placeholder(field: Field): string {
  if (field.param === 'command') return 'COMMAND…';
  return field.kind === 'list' ? `${field.flag.toUpperCase()}…` : field.flag.toUpperCase();
}

function option(field: Field): Item {
  const letter = field.letter === undefined ? '    ' : `-${field.letter}, `;
  if (field.kind !== 'boolean')
    return { left: `${letter}--${field.flag} ${valueName(field)}`, right: explained(field) };
  if (field.fallback !== true) return { left: `${letter}--${field.flag}`, right: field.description };
  return { left: `    --no-${field.flag}`, right: `Do not ${lowerFirst(field.description)}` };
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

const valueNames: Readonly<Record<Field['kind'], string>> = {
  text: 'TEXT',
  number: 'NUMBER',
  boolean: '',
  choice: 'WORD',
  list: 'TEXT,…',
  words: 'TEXT',
  argv: '"WORDS…"',
  record: 'KEY=VALUE',
};

const fileParams = new Set(['file', 'tokenFile', 'ca', 'cert', 'key']);

function valueName(field: Field): string {
  if (field.param === 'name' || field.param === 'node' || field.param === 'context') return 'NAME';
  if (fileParams.has(field.param)) return 'FILE';
  return valueNames[field.kind];
}

function explained(field: Field): string {
  const choices = field.choices.length > 0 ? [`One of ${field.choices.join(', ')}.`] : [];
  const repeated = field.kind === 'record' || field.kind === 'words' ? ['May be repeated.'] : [];
  const fallback = defaultText(field);
  return [field.description, ...choices, ...repeated, ...(fallback === undefined ? [] : [`(default: ${fallback})`])]
    .filter((part) => part !== '')
    .join(' ');
}

function defaultText({ fallback }: Field): string | undefined {
  if (typeof fallback === 'string') return fallback === '' ? undefined : fallback;
  return typeof fallback === 'number' || typeof fallback === 'boolean' ? String(fallback) : undefined;
}

function exitsOf(command: Command): CommandParts['exits'] {
  const possible = new Set<string>([...always, ...command.errors]);
  return Object.entries(errorCodes)
    .filter(([code]) => possible.has(code))
    .map(([code, { exit, meaning }]) => ({ exit, code, meaning }));
}

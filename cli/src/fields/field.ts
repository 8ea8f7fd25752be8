/** One param of a method, as the command line sees it. Read from its schema, so that nothing is said twice. */
import { Argv } from '@volt/shared/model';
import type { z } from 'zod';

/** `words` is a list whose items may have commas in them: each use of its flag is one. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'list' | 'words' | 'argv' | 'record';

export interface Field {
  readonly param: string;
  readonly kind: FieldKind;
  /** The flag without its dashes: `memory-mib` for `memoryMiB`; `label` for `labels`, as each use gives one. */
  readonly flag: string;
  /** A second spelling that is accepted and not shown: `labels` beside `label`. */
  readonly plural: string | undefined;
  readonly letter: string | undefined;
  readonly choices: readonly string[];
  readonly description: string;
  readonly isRequired: boolean;
  readonly fallback: unknown;
}

interface Unwrapped {
  readonly schema: z.ZodType;
  readonly description: string | undefined;
  readonly isRequired: boolean;
  readonly fallback: unknown;
}

/** Every param of `params`, in the order they were declared. `letters` maps one-letter flags to params. */
export function fieldsOf(params: z.ZodObject, letters: Readonly<Record<string, string>> = {}): Field[] {
  const letterOf = new Map(Object.entries(letters).map(([letter, param]) => [param, letter]));
  const fields = Object.entries(params.shape).map(([param, schema]) =>
    field(param, schema as z.ZodType, letterOf.get(param)),
  );
  return fields.flatMap((one) => (one.param === 'env' && one.kind === 'record' ? [one, envFiles] : [one]));
}

/** Read on the way to `env`, wherever there is one: no command has it as a param. */
export const ENV_FILES = 'envFiles';

const envFiles: Field = {
  param: ENV_FILES,
  kind: 'words',
  flag: 'env-file',
  plural: undefined,
  letter: undefined,
  choices: [],
  description: 'File of environment variables, one KEY=VALUE a line.',
  isRequired: false,
  fallback: undefined,
};

function field(param: string, wrapped: z.ZodType, letter: string | undefined): Field {
  const { schema, description, isRequired, fallback } = unwrap(wrapped);
  const kind = kindOf(schema);
  const own = schema.meta()?.['flag'];
  const word = typeof own === 'string' ? own : kebab(param);
  const isSeveral = kind === 'list' || kind === 'words' || kind === 'record';
  const isPlural = isSeveral && own === undefined && word.endsWith('s');
  return {
    param,
    kind,
    flag: isPlural ? word.slice(0, -1) : word,
    plural: isPlural ? word : undefined,
    letter,
    choices: kind === 'choice' ? (schema as z.ZodEnum).options.map(String) : suggested(schema),
    description: description ?? '',
    isRequired,
    fallback,
  };
}

/** A text that is mostly one of a few words says so in its schema: `--restart always`, but also `on-failure:3`. */
function suggested(schema: z.ZodType): string[] {
  const choices = schema.meta()?.['choices'];
  return Array.isArray(choices) ? choices.map(String) : [];
}

/** Takes off what makes a schema optional, and keeps what was said on the way. */
function unwrap(wrapped: z.ZodType): Unwrapped {
  let schema = wrapped;
  let { description } = schema;
  let isRequired = true;
  let fallback: unknown;
  for (;;) {
    const { def } = schema as z.ZodOptional<z.ZodType>;
    const type: string = def.type;
    if (type !== 'optional' && type !== 'default' && type !== 'prefault' && type !== 'nullable') break;
    if (type !== 'nullable') isRequired = false;
    if (type === 'default' || type === 'prefault')
      fallback ??= (def as unknown as { defaultValue: unknown }).defaultValue;
    schema = def.innerType;
    description ??= schema.description;
  }
  return { schema, description, isRequired, fallback };
}

function kindOf(schema: z.ZodType): FieldKind {
  switch (schema.def.type) {
    case 'int':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'enum':
      return 'choice';
    case 'array':
      // An argument list is one value of several words, also when it is bounded further; any other array is several.
      if ((schema as z.ZodArray).element === Argv.element) return 'argv';
      return schema.meta()?.['wholeWords'] === true ? 'words' : 'list';
    case 'record':
      return 'record';
    case 'string':
      return 'text';
    default:
      throw new Error(`A param of type '${schema.def.type}' has no flag: make the command by hand`);
  }
}

/** `memoryMiB` is one word and its unit, not four letters. */
const kebab = (param: string): string =>
  param
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/Mi-B$/, 'MiB')
    .toLowerCase();

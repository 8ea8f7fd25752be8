/** Flags that every command has, and what the environment says instead of them. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import * as z from 'zod';
import { colourModes, type ColourMode } from '../terminal/index.ts';

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name', 'ndjson'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** In the order of the help. Their own schema, so that they are read as the flags of a command are. */
export const globalParams = z.object({
  output: z.enum(outputFormats).optional().describe('How to print: ndjson is one JSON object a line.'),
  context: z.string().optional().describe('Whom to talk to: a name of `volt context list`.'),
  node: z.string().optional().describe("Through the controller, to this node's agent."),
  host: z.string().optional().describe('Path of a socket or https://ADDRESS:PORT, instead of a context.'),
  timeout: z.string().optional().describe('Give up after this long, such as 30s or 2m.'),
  color: z.enum(colourModes).optional().describe('When to colour the words for states; --no-color is never.'),
  quiet: z.boolean().optional().describe('Print names only, and no progress.'),
});
export type GlobalValues = z.output<typeof globalParams>;

export const globalLetters = { o: 'output', q: 'quiet' } as const;

export interface Settings {
  readonly output: OutputFormat;
  readonly color: ColourMode;
  readonly quiet: boolean;
  readonly context: string | undefined;
  readonly host: string | undefined;
  readonly node: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly debug: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** A flag wins over the environment, which wins over the default. An empty variable is one that is not set. */
export function settingsFrom(flags: GlobalValues, env: Env): Settings {
  const host = flags.host ?? (flags.context === undefined ? given(env['VOLT_HOST']) : undefined);
  return {
    output: flags.output ?? fromEnv(env, 'VOLT_OUTPUT', outputFormats) ?? (flags.quiet === true ? 'name' : 'table'),
    color: flags.color ?? fromEnv(env, 'VOLT_COLOR', colourModes) ?? 'auto',
    quiet: flags.quiet ?? false,
    context: flags.context ?? given(env['VOLT_CONTEXT']),
    host,
    node: flags.node,
    timeoutMs: flags.timeout === undefined ? undefined : durationMs(flags.timeout),
    debug: isDebug(env),
  };
}

export const isDebug = (env: Env): boolean => env['VOLT_DEBUG'] === 'true' || env['VOLT_DEBUG'] === '1';

const given = (text: string | undefined) => (text === undefined || text === '' ? undefined : text);

function fromEnv<T extends string>(env: Env, name: string, choices: readonly T[]): T | undefined {
  const word = given(env[name]);
  if (word === undefined) return undefined;
  const found = choices.find((choice) => choice === word);
  if (found !== undefined) return found;
  throw new VoltError('USAGE', `${name} must be one of ${choices.join(', ')}; not '${word}'`, {
    hint: didYouMean(word, choices),
  });
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Timers of the platform hold no more (2^31 - 1 ms). */
const DURATION_MS_MAX = 2_147_483_647;

export function durationMs(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Number(amount) * unitMs[unit]!;
  if (amount !== undefined && ms > 0 && ms <= DURATION_MS_MAX) return ms;
  throw new VoltError('USAGE', `'--timeout' must look like 500ms, 30s or 2m; not '${text}'`);
}

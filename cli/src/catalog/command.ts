/** A command as a value: what it is called, what it takes, and what it does. */
import type { ErrorCode } from '@volt/shared/errors';
import { lazily } from '@volt/shared/lib';
import type { z } from 'zod';
import type { Session } from '../session/index.ts';

/** Things with names, which can be asked for when a name is mistyped or completed. */
export type NameSource =
  | 'container'
  | 'image'
  | 'volume'
  | 'secret'
  | 'config'
  | 'instance'
  | 'workload'
  | 'node'
  | 'context';

export interface Command<P extends z.ZodObject = z.ZodObject> {
  /** As it is typed: `container stop`. */
  readonly path: string;
  /** A second name at the top: `ps`. */
  readonly alias?: string | undefined;
  readonly summary: string;
  readonly params: P;
  /** Params given by position. The last ones may be left out when they are optional. */
  readonly positional: readonly string[];
  /** The param that takes all words that are left. */
  readonly rest?: string | undefined;
  readonly short: Readonly<Record<string, string>>;
  readonly examples: readonly string[];
  /** What it can end with besides what every command can. */
  readonly errors: readonly ErrorCode[];
  /** Which params are names of what. */
  readonly names: Readonly<Record<string, NameSource>>;
  /** Resolves with the exit code. Rejects with a VoltError, which is printed by the caller. */
  run(values: z.output<P>, session: Session, given: z.input<P>): Promise<number>;
}

/** `params` is made when somebody asks for it: all commands are listed each time, and one of them is run. */
type Written<P extends z.ZodObject> = Pick<Command<P>, 'path' | 'summary' | 'examples' | 'run'> &
  Partial<Omit<Command<P>, 'params'>> & { readonly params: () => P };

/** A command written by hand, for what one row of the method table cannot say. */
export function command<P extends z.ZodObject>({ params, ...written }: Written<P>): Command {
  const filled = { positional: [], short: {}, errors: [], names: {}, ...written };
  // A list of commands has params of every shape; run() is only ever given what `params` has checked.
  return lazily(filled, { params }) satisfies Command<P>;
}

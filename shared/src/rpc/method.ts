import type { z } from 'zod';
import { lazily } from '../lib/index.ts';

export type Level = 'read' | 'operate' | 'write' | 'admin';
export type Permission = 'public' | `${string}:${Level}`;

/** How a row becomes a command. */
export interface CliShape<P extends z.ZodObject> {
  readonly command: string;
  /** A second name at the top, such as `ps` for `instance list`. */
  readonly alias?: string;
  /** Params given by position, in order. The last may be `rest`: all words that are left. */
  readonly positional: readonly (keyof z.input<P> & string)[];
  readonly rest?: keyof z.input<P> & string;
  /** One-letter flags: letter to param. */
  readonly short?: Readonly<Record<string, keyof z.input<P> & string>>;
  /** Columns of `-o table`; `wide` are those that only `-o wide` adds. */
  readonly columns: readonly string[];
  readonly wide?: readonly string[];
  readonly examples: readonly string[];
}

/**
 * One row of the method table. No field is optional that matters: a method that
 * needs no permission says 'public', one that leaves no trace says 'none', so
 * nothing is open or unrecorded by omission.
 */
export interface Method<
  P extends z.ZodObject = z.ZodObject,
  R extends z.ZodType = z.ZodType,
  E extends z.ZodType | undefined = z.ZodType | undefined,
  I extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** Present on streams: what is sent, one at a time, before the result. */
  readonly event?: E;
  /** Present on streams that listen: what the caller may send while it runs. */
  readonly input?: I;
  readonly permission: Permission;
  /** The action of the audit line, as the specification writes it: `container.create`. */
  readonly audit: 'none' | `${string}.${string}`;
  /** The param that names what is acted on, for the audit line. */
  readonly resource: (keyof z.input<P> & string) | 'none';
  /** 'hand': a command written by hand calls it. 'hidden': no command does. */
  readonly cli: 'hidden' | 'hand' | CliShape<P>;
}

/**
 * A row as it is written down: it says how to make its schemas. They are made
 * when one is first asked for, as a command needs those of a single row.
 */
type Written<P extends z.ZodObject, R, E, I> = Omit<Method<P>, 'params' | 'result' | 'event' | 'input'> & {
  readonly params: () => P;
  readonly result: () => R;
  readonly event?: () => E;
  readonly input?: () => I;
};

/** A row that answers once. */
export const method = <P extends z.ZodObject, R extends z.ZodType>(
  row: Written<P, R, undefined, undefined>,
): Method<P, R, undefined, undefined> => withSchemas(row);

/** A row that sends events while it runs, then a result. */
export const stream = <
  P extends z.ZodObject,
  R extends z.ZodType,
  E extends z.ZodType,
  I extends z.ZodType | undefined = undefined,
>(
  row: Written<P, R, E, I> & { readonly event: () => E },
): Method<P, R, E, I> & { readonly event: E } => withSchemas(row) as Method<P, R, E, I> & { readonly event: E };

function withSchemas<
  P extends z.ZodObject,
  R extends z.ZodType,
  E extends z.ZodType | undefined,
  I extends z.ZodType | undefined,
>(written: Written<P, R, E, I>): Method<P, R, E, I> {
  const { params, result, event, input, ...row } = written;
  const streamed = { ...(event && { event }), ...(input && { input }) };
  return lazily(row, { params, result, ...streamed }) as Method<P, R, E, I>;
}

// Rows of every shape share a table; the helpers above have checked each one.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyMethod = Method<any, any, any, any>;
export type MethodTable = Readonly<Record<string, AnyMethod>>;

export type Params<M extends AnyMethod> = z.input<M['params']>;
export type Parsed<M extends AnyMethod> = z.output<M['params']>;
export type Result<M extends AnyMethod> = z.output<M['result']>;
export type EventOf<M extends AnyMethod> = M['event'] extends z.ZodType ? z.output<M['event']> : never;
export type InputOf<M extends AnyMethod> =
  NonNullable<M['input']> extends infer I extends z.ZodType ? z.output<I> : never;

export type StreamName<T extends MethodTable> = {
  [N in keyof T]: T[N]['event'] extends z.ZodType ? N : never;
}[keyof T] &
  string;
export type CallName<T extends MethodTable> = Exclude<keyof T & string, StreamName<T>>;

/** What a handler is given besides its params. */
export interface Call<Caller, M extends AnyMethod = AnyMethod> {
  readonly caller: Caller;
  /** Fires when the caller has gone or has cancelled. */
  readonly signal: AbortSignal;
  /** Streams only. Resolves when there is room for the next event. */
  readonly emit: (event: EventOf<M>) => Promise<void>;
  /** Streams with an input only: what the caller sends, until it closes its side. */
  readonly input: AsyncIterable<InputOf<M>>;
}

/** A server for a table must handle every row; a missing one does not compile. */
export type Handlers<T extends MethodTable, Caller> = {
  readonly [N in keyof T]: (params: Parsed<T[N]>, call: Call<Caller, T[N]>) => Promise<z.input<T[N]['result']>>;
};

import type { z } from 'zod';
import { VoltError } from '../errors/index.ts';
import type { AnyMethod, Call, Handlers, MethodTable, Permission } from './method.ts';

/** What one request was about, as the audit trail tells it. */
export interface Attempt {
  readonly method: string;
  readonly action: string;
  readonly resource: string | null;
}

/** The two questions every server answers its own way: may they, and who writes it down. */
export interface Door<Caller> {
  /** Throws PERMISSION unless the caller may. */
  authorize(caller: Caller, permission: Permission): void;
  /** Runs `work` and writes down how it ended, allowed or refused. */
  record<T>(caller: Caller, attempt: Attempt, work: () => Promise<T>): Promise<T>;
}

export interface Request<Caller> extends Call<Caller> {
  readonly method: string;
  readonly params: unknown;
}

/**
 * Carries one request through the table. The order is the security model:
 * every attempt is recorded, then permission, then shape, then work, then the
 * shape of what goes out.
 *
 * Rejects with VoltError USAGE for a method or params that the table does not
 * know, PERMISSION from the door, or whatever the handler rejects with.
 */
export async function dispatch<T extends MethodTable, Caller>(
  server: { readonly table: T; readonly handlers: Handlers<T, Caller>; readonly door: Door<Caller> },
  request: Request<Caller>,
): Promise<unknown> {
  const { table, handlers, door } = server;
  if (!Object.hasOwn(table, request.method)) throw unknownMethod(request.method);
  const name: keyof T = request.method;
  const row = table[name]!;
  const attempt = { method: request.method, action: row.audit, resource: resourceOf(row, request.params) };

  return door.record(request.caller, attempt, async () => {
    door.authorize(request.caller, row.permission);
    const params = parseParams(row, request.params);
    const result = await handlers[name](params, withCheckedEvents(row, request));
    return check(row.result, result, `The result of '${request.method}'`);
  });
}

/** An unknown method and malformed params keep the numbers of JSON-RPC 2.0, section 5.1. */
export const unknownMethod = (method: string) =>
  new VoltError('USAGE', `Unknown method '${method.slice(0, 64)}'`, { rpc: -32601, hint: 'rpc.discover lists them' });

function parseParams(row: AnyMethod, params: unknown): never {
  const parsed = (row.params as z.ZodObject).safeParse(params ?? {});
  if (!parsed.success) throw new VoltError('USAGE', describeIssues(parsed.error), { rpc: -32602 });
  return parsed.data as never;
}

/** The first complaint, with the name of the param it is about. */
export function describeIssues(error: z.ZodError): string {
  const [first] = error.issues;
  if (first === undefined) return 'Malformed params';
  const path = first.path.map(String).join('.');
  return path === '' ? first.message : `'${path}': ${first.message}`;
}

function withCheckedEvents<Caller>(row: AnyMethod, request: Request<Caller>): never {
  const schema = row.event as z.ZodType | undefined;
  const emit = async (event: unknown) => {
    if (schema === undefined) throw new Error(`'${request.method}' has no events`);
    await request.emit(check(schema, event, `An event of '${request.method}'`));
  };
  return { caller: request.caller, signal: request.signal, input: request.input, emit } as never;
}

/** What leaves the server has the shape that was promised; anything else is our bug, not the caller's. */
function check(schema: z.ZodType, value: unknown, what: string): unknown {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw new VoltError('GENERAL', `${what} is malformed`, { cause: checked.error });
}

function resourceOf(row: AnyMethod, params: unknown): string | null {
  if (row.resource === 'none' || typeof params !== 'object' || params === null) return null;
  const value: unknown = (params as Record<string, unknown>)[row.resource];
  return typeof value === 'string' ? value.slice(0, 256) : null;
}

/** From a row of the method table to a command. */
import type { ErrorCode } from '@volt/shared/errors';
import { lazily } from '@volt/shared/lib';
import type { AnyMethod, CliShape, InstanceRow, MethodTable } from '@volt/shared/rpc';
import type { z } from 'zod';
import { fieldsOf } from '../fields/index.ts';
import type { ProgressEvent } from '../output/index.ts';
import type { LooseClient, Session, Side } from '../session/index.ts';
import type { Command, NameSource } from './command.ts';

interface Row {
  readonly method: string;
  readonly row: AnyMethod;
  readonly shape: CliShape<z.ZodObject>;
  readonly side: Side;
}

/** Every row of both tables that has a command; one that is in both is asked of whoever is there. */
export function deriveCommands(agent: MethodTable, controller: MethodTable): Command[] {
  return Object.entries({ ...agent, ...controller }).flatMap(([method, row]) => {
    if (typeof row.cli === 'string') return [];
    const inBoth = Object.hasOwn(agent, method) && Object.hasOwn(controller, method);
    const side = inBoth ? 'either' : Object.hasOwn(agent, method) ? 'agent' : 'controller';
    return [derive({ method, row, shape: row.cli as CliShape<z.ZodObject>, side })];
  });
}

function derive(from: Row): Command {
  const { row, shape } = from;
  const plain: Omit<Command, 'params' | 'errors' | 'names'> = {
    path: shape.command,
    alias: shape.alias,
    summary: row.summary,
    positional: shape.positional,
    rest: shape.rest,
    short: shape.short ?? {},
    examples: shape.examples,
    run: (_values, session, given) => callRow(from, session, given),
  };
  return lazily(plain, {
    params: () => row.params as z.ZodObject,
    errors: () => errorsOf(from),
    names: () => namesOf(from),
  });
}

async function callRow(from: Row, session: Session, given: object): Promise<number> {
  const { method, row, shape } = from;
  const client: LooseClient = await session.client(from.side, shape.command);
  if (row.event === undefined) {
    const result = await session.orOffline(method, given, () => client.call(method, given, { signal: session.signal }));
    await session.print(result, shape, plural(method));
    for (const lack of lacksOf(result)) await session.note(`This machine cannot enforce ${lack}`);
    if (method === 'instance.list') await sayItIsPart(result as readonly InstanceRow[], session);
    return 0;
  }
  // A stream with a result is a long operation that tells how far it is; one without is told for its events.
  if (isEmpty(row.result as z.ZodType)) await showEvents(from, client, session, given);
  else await showProgress(from, client, session, given);
  return 0;
}

/** What a container that was just made does without. */
const lacksOf = (result: unknown): readonly string[] =>
  (result as { missing?: readonly string[] } | null)?.missing ?? [];

/** To a person who may take what one node of a cluster runs for all that the cluster runs. */
async function sayItIsPart(rows: readonly InstanceRow[], session: Session): Promise<void> {
  if (!session.terminal.stderr.isTerminal || session.settings.node !== undefined) return;
  const { kind, target } = await session.destination();
  if (kind !== 'agent' || target.kind !== 'socket') return;
  if (rows.some(({ workload }) => workload !== null)) {
    await session.note('This node only; the whole cluster: volt ps --context cluster');
  }
}

async function showProgress({ method, shape }: Row, client: LooseClient, session: Session, given: object) {
  const progress = session.progress();
  const onEvent = (event: unknown) => progress.show(event as ProgressEvent);
  let result: unknown;
  try {
    result = await client.stream(method, given, { signal: session.signal, onEvent });
  } finally {
    await progress.end();
  }
  await session.print(result, shape);
}

async function showEvents({ method, shape }: Row, client: LooseClient, session: Session, given: object) {
  const printer = session.eventPrinter(shape);
  await client.stream(method, given, { signal: session.signal, onEvent: printer });
}

const isEmpty = (schema: z.ZodType): boolean =>
  schema.def.type === 'object' && Object.keys((schema as z.ZodObject).shape).length === 0;

/** What a list of them is called when it is empty. */
export function plural(method: string): string {
  const [noun = ''] = method.split('.');
  return noun === 'deploy' ? 'workloads' : `${noun}s`;
}

const makers = new Set(['create', 'run', 'build', 'import', 'pull']);
const sources = new Set<string>(['container', 'image', 'volume', 'secret', 'config', 'instance', 'node']);

function namesOf({ method, row }: Row): Record<string, NameSource> {
  const [noun = '', verb = ''] = method.split('.');
  const source = noun === 'deploy' ? 'workload' : noun;
  const names: Record<string, NameSource> = {};
  for (const { param } of fieldsOf(row.params as z.ZodObject)) {
    if (param === 'name' && !makers.has(verb) && (source === 'workload' || sources.has(source))) {
      names[param] = source as NameSource;
    }
    if (param === 'image' || param === 'node') names[param] = param;
  }
  return names;
}

/** Told by the permission and the verb: what changes something can also collide, need others and run out of room. */
function errorsOf(from: Row): ErrorCode[] {
  const { method, row } = from;
  const verb = method.split('.')[1] ?? '';
  const changes = !row.permission.endsWith(':read');
  const errors: ErrorCode[] = [];
  if (Object.keys(namesOf(from)).length > 0 || verb === 'pull') errors.push('NOT_FOUND');
  if (verb === 'create' || verb === 'run') errors.push('ALREADY_EXISTS');
  if (changes) errors.push('CONFLICT', 'DEPENDENCY', 'RESOURCE');
  return errors;
}

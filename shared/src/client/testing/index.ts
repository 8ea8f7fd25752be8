/** For tests of doors: knocks at every row of a table. */
import { VoltError } from '../../errors/index.ts';
import type { AnyMethod, MethodTable, Permission } from '../../rpc/index.ts';
import type { Client } from '../index.ts';

export type Rights = Readonly<Record<string, 'let in' | 'refused'>>;

/**
 * Calls every method with no params, which few accept: permission comes before
 * shape, so whoever hears of the shape was let in.
 */
export async function knock<T extends MethodTable>(client: Client<T>, table: T): Promise<Rights> {
  const answers = Object.entries<AnyMethod>(table).map(async ([name, row]) => {
    const calling =
      row.event === undefined
        ? client.call(name as never, {} as never)
        : client.stream(name as never, {} as never, { onEvent: () => {} });
    const code = await calling.then(
      () => undefined,
      (thrown: unknown) => (thrown as VoltError).code,
    );
    return [name, code === 'PERMISSION' ? 'refused' : 'let in'] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

/** What the table says of somebody with these rights. */
export function rightsIn(table: MethodTable, may: (permission: Permission) => boolean): Rights {
  return Object.fromEntries(
    Object.entries(table).map(([name, { permission }]) => [name, may(permission) ? 'let in' : 'refused'] as const),
  );
}

export const readOnly = (permission: Permission): boolean => permission === 'public' || permission.endsWith(':read');

/** Handlers for a whole table. Each notes its name in `reached` and has found nothing. */
export function noHandlers<H>(reached: string[]): H {
  const answer = (name: string) => async () => {
    reached.push(name);
    throw new VoltError('NOT_FOUND', 'There is nothing here');
  };
  return new Proxy({}, { get: (_target, name) => answer(String(name)) }) as H;
}

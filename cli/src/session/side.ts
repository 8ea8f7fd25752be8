/** Who answers a row: the table it is in, the context it is asked of, and `--node`, put together. */
import type { ConnectOptions } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import type { Destination } from '../contexts/index.ts';

/** Which server has a row. 'either': both do, and whoever is there is asked. */
export type Side = 'agent' | 'controller' | 'either';

export interface Way {
  readonly table: 'agent' | 'controller';
  readonly options: Pick<ConnectOptions, 'node' | 'scope'>;
}

/**
 * The way from a destination to a side. On its socket an agent passes requests
 * on to a controller of its cluster; on its TLS port it does not.
 */
export function route(side: Side, { kind, target }: Destination, node: string | undefined, command: string): Way {
  const isSocket = target.kind === 'socket';
  if (side === 'controller') {
    if (node !== undefined) {
      throw new VoltError('USAGE', `'volt ${command}' is about the whole cluster`, { hint: "leave out '--node'" });
    }
    if (isSocket) return { table: 'controller', options: { scope: 'controller' } };
    if (kind === 'controller') return { table: 'controller', options: {} };
    throw new VoltError('USAGE', `'volt ${command}' needs a controller context`, { hint: 'volt context list' });
  }
  if (node !== undefined) {
    if (isSocket) return { table: 'agent', options: { node, scope: 'controller' } };
    if (kind === 'controller') return { table: 'agent', options: { node } };
    throw new VoltError('USAGE', "'--node' needs a controller context", { hint: 'volt context list' });
  }
  if (kind === 'agent') return { table: 'agent', options: {} };
  if (side === 'either') return { table: 'controller', options: isSocket ? { scope: 'controller' } : {} };
  throw new VoltError('USAGE', `'volt ${command}' asks one node: say which`, {
    hint: "add '--node NAME'; volt node list shows them",
  });
}

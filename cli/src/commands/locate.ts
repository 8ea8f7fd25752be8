/** From a name a person gives to the nodes where it runs. */
import type { Client } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import type { AgentMethods, InstanceRow } from '@volt/shared/rpc';
import type { Session } from '../session/index.ts';

/** One container, and the client of the agent that has it. */
export interface Place {
  readonly name: string;
  readonly agent: Client<AgentMethods>;
}

/** Whether the context's own agent is to be asked first: it is one, or `--node` names one. */
export async function asksOneAgent(session: Session): Promise<boolean> {
  return session.settings.node !== undefined || (await session.destination()).kind === 'agent';
}

/** Looks a name up in the cluster. A workload's name stands for all of its instances. */
export async function findInCluster(name: string, session: Session): Promise<Place[]> {
  const cluster = await session.cluster();
  const rows = await cluster.call('instance.list', {}, { signal: session.signal });
  const found = matching(name, rows);
  if (found.length === 0) throw unknown(name, rows);
  return Promise.all(found.map(async (row) => ({ name: row.name, agent: await session.agentOf(row.node) })));
}

/**
 * The same from the agent's side, after it has said that it has no container of
 * that name: it may be a workload, or on another node of its cluster.
 */
export async function findElsewhere(name: string, session: Session, refused: VoltError): Promise<Place[]> {
  const destination = await session.destination();
  if (session.settings.node !== undefined || destination.target.kind !== 'socket') throw refused;
  try {
    return await findInCluster(name, session);
  } catch {
    // No cluster, or nothing of that name in it: the agent's own answer is the better one.
    throw refused;
  }
}

/** Throws USAGE where a workload's name stands for several. */
export function onlyOne(places: readonly Place[], name: string): Place {
  const [first, ...others] = places;
  if (first !== undefined && others.length === 0) return first;
  const names = places.map((place) => place.name);
  throw new VoltError('USAGE', `'${name}' has ${places.length} copies: say which`, {
    hint: names.slice(0, 8).join(', '),
  });
}

function matching(name: string, rows: readonly InstanceRow[]): InstanceRow[] {
  const exact = rows.filter((row) => row.name === name);
  return exact.length > 0 ? exact : rows.filter((row) => row.workload === name);
}

function unknown(name: string, rows: readonly InstanceRow[]): VoltError {
  const names = rows.flatMap((row) => (row.workload === null ? [row.name] : [row.name, row.workload]));
  return new VoltError('NOT_FOUND', `Nothing called '${name}' runs in the cluster`, {
    hint: didYouMean(name, [...new Set(names)]) ?? 'volt ps',
  });
}

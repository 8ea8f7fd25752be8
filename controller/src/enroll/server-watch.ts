/**
 * Notices a NATS server that came up deaf or dumb, and starts it again.
 *
 * Measured with nats-server 2.10.27 in operator mode: of servers that start
 * while the machine is busy, a few in a hundred never send what their Raft
 * groups say, or some of it. They hold routes and serve clients, but no leader
 * is elected with them, or they never catch up; it may show only when the
 * leader is lost. Nothing but a restart of that process helps.
 */
import type { MetaGroup, MetaState } from '@volt/shared/pki';

/** An election takes 4 to 9 s. One that is split takes as long again, and loses nothing by a restart. */
const PATIENCE_MS = 15_000;
/** Two servers that start in one moment are what brings this about; the second waits whether the first was enough. */
const STAGGER_MS = 5000;
/** Restarting what does not get better by it must not become a storm: each round waits twice as long. */
const PATIENCE_MS_MAX = 10 * 60_000;

export interface Sight {
  /** Names of the servers that run on this node. */
  readonly own: readonly string[];
  /** How many servers there should be in all. */
  readonly expected: number;
  readonly reachable: readonly string[];
  /** Undefined while there is no leader. */
  readonly current: readonly string[] | undefined;
}

/**
 * Whether one of our servers fails although it could do its part: a majority
 * is within reach. Without one there is nothing that a restart would change,
 * unless all servers are ours: a deaf one answers nobody, and is not counted.
 */
export function isOurFault({ own, expected, reachable, current }: Sight): boolean {
  const hasMajority = reachable.length > expected / 2 || own.length === expected;
  return hasMajority && !own.every((server) => current?.includes(server) ?? false);
}

export interface ServerWatch {
  /** The name of the own server to start again at this moment; undefined for none. */
  look(sight: Sight, nowMs: number): string | undefined;
}

/** `rank` of this node among the controllers, from 0, so that they do not all act at once. */
export function createServerWatch(rank: number): ServerWatch {
  const firstPatienceMs = PATIENCE_MS + rank * STAGGER_MS;
  let since: number | undefined;
  let patienceMs = firstPatienceMs;
  let turn = 0;
  return {
    look(sight, nowMs) {
      if (!isOurFault(sight)) {
        since = undefined;
        patienceMs = firstPatienceMs;
        return undefined;
      }
      since ??= nowMs;
      if (nowMs - since < patienceMs) return undefined;
      since = nowMs;
      // With no leader nobody can tell which one it is: one after the other.
      const suspects = sight.own.filter((server) => !(sight.current?.includes(server) ?? false));
      const suspect = suspects[turn++ % suspects.length];
      if (turn % suspects.length === 0) patienceMs = Math.min(patienceMs * 2, PATIENCE_MS_MAX);
      return suspect;
    },
  };
}

/** `state` is undefined while there is no leader. */
export async function sightOf(
  meta: Pick<MetaGroup, 'reachable'>,
  state: MetaState | undefined,
  { own, expected }: Pick<Sight, 'own' | 'expected'>,
): Promise<Sight> {
  const current = state?.current;
  const isWell = own.every((server) => current?.includes(server) ?? false);
  // Asking everybody takes a second; it only matters when something is wrong.
  const reachable = isWell ? own : await meta.reachable().catch(() => []);
  return { own, expected, reachable, current };
}

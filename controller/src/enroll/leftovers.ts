/**
 * Finds NATS servers that nobody will start again: of joins that broke off.
 *
 * A node that is away is no reason to forget it, so only servers of nodes that
 * never completed their join are meant, and servers that no node calls its own.
 */
import type { Member } from '@volt/shared/model';
import type { MetaState } from '@volt/shared/pki';
import { peersOf } from './server-names.ts';

/** Longer than a server that is started again is away. */
const PATIENCE_MS = 20_000;

export interface Leftovers {
  /** Ids of those that have been away for long enough. */
  look(state: MetaState, members: readonly Member[], settled: ReadonlySet<string>, nowMs: number): readonly string[];
}

export function createLeftovers(): Leftovers {
  let away = new Map<string, number>();
  return {
    look({ peers }, members, settled, nowMs) {
      const kept = peersOf(members.filter(({ node }) => settled.has(node)));
      const left = peers.filter(({ id, isOnline }) => !isOnline && !kept.has(id));
      away = new Map(left.map(({ id }) => [id, away.get(id) ?? nowMs]));
      return [...away].filter(([, sinceMs]) => nowMs - sinceMs >= PATIENCE_MS).map(([id]) => id);
    },
  };
}

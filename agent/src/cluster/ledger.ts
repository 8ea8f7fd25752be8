/** What this node was told to run, as it survives a crash. Deciding what to believe is pure. */
import * as z from 'zod';
import { VoltError } from '@volt/shared/errors';
import type { Entry } from '@volt/shared/kv';
import { Assignment } from '@volt/shared/model';

export const Ledger = z.object({
  version: z.literal(1),
  /** The highest fencing token that was ever seen here. Orders under a lower one are refused. */
  token: z.int(),
  entries: z.array(z.object({ revision: z.int(), assignment: Assignment })),
});
export type Ledger = z.output<typeof Ledger>;
type LedgerEntry = Ledger['entries'][number];

export const emptyLedger: Ledger = { version: 1, token: 0, entries: [] };

/** A ledger that cannot be read stops the agent: guessing would start or remove the wrong containers. */
export function parseLedger(text: string | undefined): Ledger {
  if (text === undefined) return emptyLedger;
  try {
    return Ledger.parse(JSON.parse(text));
  } catch (cause) {
    throw new VoltError('INVALID_CONFIG', "The ledger of the cluster's assignments is damaged", {
      hint: 'Move /var/lib/volt/cluster/assignments.json away; it is written anew from the cluster',
      cause,
    });
  }
}

export interface Merged {
  readonly ledger: Ledger;
  /** Keys of orders that were not taken, and why. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * The ledger after a look at the cluster. `leaderToken` must have been read
 * after the assignments: an order that was delayed on its way is then always
 * older than the token.
 *
 * An entry whose key is gone is dropped: the instance is no longer this node's.
 */
export function mergeLedger(
  ledger: Ledger,
  node: string,
  read: readonly Entry<Assignment>[],
  leaderToken: number,
): Merged {
  const token = Math.max(ledger.token, leaderToken);
  const known = new Map(ledger.entries.map((entry) => [`${node}.${entry.assignment.instance}`, entry]));
  const refused = new Map<string, string>();
  const entries: LedgerEntry[] = [];
  for (const { key, revision, value } of read) {
    const before = known.get(key);
    if (before?.revision === revision) {
      entries.push(before);
      continue;
    }
    const because = whyRefused({ key, value, revision, before, token });
    if (because === undefined) entries.push({ revision, assignment: value! });
    else refused.set(key, because);
    if (because !== undefined && before !== undefined) entries.push(before);
  }
  return { ledger: { version: 1, token, entries }, refused };
}

interface Order {
  readonly key: string;
  readonly value: Assignment | null;
  readonly revision: number;
  readonly before: LedgerEntry | undefined;
  readonly token: number;
}

function whyRefused({ key, value, revision, before, token }: Order): string | undefined {
  if (value === null || key !== `${value.node}.${value.instance}`) return 'cannot be read';
  if (value.token < token) return `ordered under token ${value.token}, and ${token} is known`;
  if (before === undefined || value.token > before.assignment.token) return undefined;
  // One controller's orders for one key come in the order of their revisions.
  if (revision < before.revision) return `revision ${revision} is older than ${before.revision}`;
  if (value.generation < before.assignment.generation) return `generation ${value.generation} is older`;
  return undefined;
}

/** Makes sure that the NATS servers there are can take in one more, and lose it again. */
import { VoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import { peerIdOf, type MetaState } from '@volt/shared/pki';
import type { EnrollPorts } from './ports.ts';
import { peersOf, serverOf } from './server-names.ts';

/** An election takes 4 to 9 s, and may be split once. */
const WAIT_MS = 15_000;
const LOOK_EVERY_MS = 500;

const never = new AbortController().signal;

/**
 * Takes out servers that earlier attempts left behind, those of the node that
 * asks above all: it would not ask if they ran. CONFLICT when, with one more
 * server that then fails, no majority could be had.
 */
export async function makeRoom(
  { meta, clock }: Pick<EnrollPorts, 'meta' | 'clock'>,
  node: string,
  { members, settled }: { readonly members: readonly Member[]; readonly settled: ReadonlySet<string> },
): Promise<void> {
  // It is nobody else's turn, so whose join is not complete has none that could run.
  const kept = peersOf(members.filter((member) => member.node !== node && settled.has(member.node)));
  const former = members.find((member) => member.node === node);
  const own = new Set([node, ...(former === undefined ? [] : [serverOf(former)])].map(peerIdOf));
  const untilMs = clock.monotonicMs() + WAIT_MS;
  for (;;) {
    const state = await meta.state().catch(() => undefined);
    const left = (state?.peers ?? []).filter(({ id, isOnline }) => own.has(id) || (!kept.has(id) && !isOnline));
    if (state !== undefined && left.length === 0 && canLoseOneMore(state)) return;
    if (clock.monotonicMs() >= untilMs) throw tooFew(state);
    // What an election swallows is done at the next look.
    if (state !== undefined && own.has(peerIdOf(state.leader))) await meta.stepDown().catch(() => {});
    else for (const { id } of left) await meta.remove(id).catch(() => {});
    await clock.sleep(LOOK_EVERY_MS, never);
  }
}

/** Whether those that do their part are a majority of one server more. */
const canLoseOneMore = ({ current, size }: MetaState): boolean => current.length > (size + 1) / 2;

function tooFew(state: MetaState | undefined): VoltError {
  const hint = 'bring back the controllers that are away, or join with --role agent';
  if (state === undefined) return new VoltError('CONFLICT', "The cluster's NATS servers have no leader", { hint });
  const { current, size } = state;
  const message = `Only ${current.length} of ${size} NATS servers are up to date: too few to take in another`;
  return new VoltError('CONFLICT', message, { hint });
}

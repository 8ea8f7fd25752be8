/**
 * Lets nodes become controllers, or cease to be, one at a time, whichever controllers they ask.
 *
 * Each adds a NATS server to those that must agree. One that fails stays
 * counted until it is taken out, which needs a majority: two that fail
 * together could leave three servers of five, or two of four, with no way
 * back. And who counts the controllers that there are must not be overtaken.
 */
import { VoltError } from '@volt/shared/errors';
import type { EnrollPorts, Turn } from './ports.ts';

/** A join takes 100 s at most, see ready.ts of the agent. By then it has told of itself, or never will. */
const TURN_MS = 120_000;
/** Most have their turn for a few seconds. Whoever asks waits for a minute at most. */
const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 500;

/** What the server of a turn is called when a controller is to go instead of come. No node's name begins so. */
export const LEAVING = '-leaving.';

const never = new AbortController().signal;

export interface Turnstile {
  /** Resolves when it is the node's turn. CONFLICT when another has it for long. */
  take(node: string, server: string): Promise<void>;

  /** For a server that was not to be. One whose turn it is not is fine. */
  giveBack(server: string): Promise<void>;
}

type Ports = Pick<EnrollPorts, 'turns' | 'members' | 'clock'>;

export function createTurnstile(ports: Ports): Turnstile {
  const { turns, members, clock } = ports;
  let seen: { readonly revision: number; readonly atMs: number } | undefined;

  /** By our own clock, since we first saw it: those of two machines are never compared. */
  const isOver = (revision: number): boolean => {
    const nowMs = clock.monotonicMs();
    if (seen?.revision !== revision) seen = { revision, atMs: nowMs };
    return nowMs - seen.atMs >= TURN_MS;
  };

  const isFree = async (turn: Turn & { readonly revision: number }, node: string): Promise<boolean> => {
    if (turn.node === null || turn.node === node || isOver(turn.revision)) return true;
    const isKnown = (await members.settled()).has(turn.node);
    return turn.server.startsWith(LEAVING) ? !isKnown : isKnown;
  };

  return {
    async take(node, server) {
      const untilMs = clock.monotonicMs() + WAIT_MS;
      for (;;) {
        const turn = await turns.get();
        if (turn === undefined || (await isFree(turn, node))) {
          if (await wasSet(ports, { node, server }, turn?.revision)) return;
          continue;
        }
        if (clock.monotonicMs() >= untilMs) {
          const what = turn.server.startsWith(LEAVING) ? 'being deleted' : 'becoming a controller';
          throw new VoltError('CONFLICT', `Node '${turn.node}' is ${what} at this moment`, {
            hint: 'try again when that is done, or in two minutes if it has failed',
          });
        }
        await clock.sleep(LOOK_EVERY_MS, never);
      }
    },

    async giveBack(server) {
      const turn = await turns.get();
      if (turn?.server === server) await wasSet(ports, { node: null, server }, turn.revision);
    },
  };
}

/** False when somebody else was first. */
async function wasSet({ turns }: Ports, turn: Turn, revision: number | undefined): Promise<boolean> {
  try {
    await turns.set(turn, revision);
    return true;
  } catch (thrown) {
    if (thrown instanceof VoltError && thrown.code === 'CONFLICT') return false;
    throw thrown;
  }
}

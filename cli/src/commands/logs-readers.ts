/** Who is asked for the lines of one name: an agent, those of its cluster that have it, or the journal itself. */
import { setTimeout as wait } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import type { LogWindow } from '../offline/index.ts';
import type { Session } from '../session/index.ts';
import { asksOneAgent, findElsewhere, findInCluster, type Place } from './locate.ts';
import type { Inlet } from './logs-in-order.ts';
import { LogPlace } from './logs-place.ts';

/** For an agent that is started again, or a way to it that comes back. */
const AGAIN_TIMES = 30;
const AGAIN_EVERY_MS = 500;

export interface Reading {
  readonly session: Session;
  /** A place for the lines of one container. */
  readonly open: (name: string) => Inlet;
  /** The name turned out to be that of a workload: others come in its place. */
  readonly forget: (name: string) => void;
}

export type Reader = (signal: AbortSignal) => Promise<void>;

/** A name gives one reader, or one for each copy of a workload. All are open when they are returned. */
export async function readersFor(
  name: string,
  wanted: LogWindow,
  { session, open, forget }: Reading,
): Promise<Reader[]> {
  const readerOf = (place: Place): Reader => {
    const inlet = open(place.name);
    return (signal) => fromAgent(place, new LogPlace(wanted, inlet.bring), { session, signal }).finally(inlet.end);
  };
  if (!(await asksOneAgent(session))) return (await findInCluster(name, session)).map(readerOf);
  const inlet = open(name);
  const here = new LogPlace(wanted, inlet.bring);
  const agent = await session.agent('logs');
  const read = async (signal: AbortSignal): Promise<void> => {
    try {
      await fromAgent({ name, agent }, here, { session, signal });
    } catch (thrown) {
      if (await session.isAgentDown(thrown)) return fromJournal(name, here, { session, signal, thrown });
      if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND' || here.isBegun) throw thrown;
      const places = await findElsewhere(name, session, thrown);
      forget(name);
      const readers = places.map(readerOf);
      inlet.end();
      await Promise.all(readers.map((reader) => reader(signal)));
    }
  };
  return [(signal) => read(signal).finally(inlet.end)];
}

/** One that follows goes on where it was when the line is cut. */
async function fromAgent(
  { name, agent }: Place,
  place: LogPlace,
  { session, signal }: { session: Session; signal: AbortSignal },
): Promise<void> {
  for (let again = 0; ; again++) {
    const { wanted, print } = place.rest();
    let isHeard = false;
    const onEvent: typeof print = (line) => {
      isHeard = true;
      return print(line);
    };
    try {
      await agent.stream('container.logs', { name, ...sent(wanted) }, { signal, onEvent });
      return;
    } catch (thrown) {
      if (isHeard) again = 0;
      const isCut = thrown instanceof VoltError && (thrown.code === 'NETWORK' || thrown.code === 'DAEMON');
      if (!wanted.follow || !place.isBegun || !isCut || signal.aborted) throw thrown;
      // On this machine the journal is at hand.
      const isEnough = again === AGAIN_TIMES || (again > 0 && (await session.isAgentDown(thrown)));
      if (isEnough) throw thrown;
      await wait(AGAIN_EVERY_MS, undefined, { signal });
    }
  }
}

/** Without what was not said: the agent knows its own defaults. */
const sent = (wanted: LogWindow) =>
  Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) as { follow: boolean };

interface Instead {
  readonly session: Session;
  readonly signal: AbortSignal;
  /** Why the agent was not asked. */
  readonly thrown: unknown;
}

async function fromJournal(name: string, place: LogPlace, { session, signal, thrown }: Instead): Promise<void> {
  let isSaid = false;
  const say = async () => {
    if (!isSaid) await session.sayOffline();
    isSaid = true;
  };
  const { wanted, print } = place.rest();
  try {
    for await (const line of session.offline.logs({ name, ...wanted }, signal)) {
      await say();
      await print(line);
    }
  } catch (failure) {
    // Where systemd cannot be asked either, that the agent is down is what people need to know.
    throw failure instanceof VoltError && failure.code === 'DEPENDENCY' && !isSaid ? thrown : failure;
  }
  await say();
}

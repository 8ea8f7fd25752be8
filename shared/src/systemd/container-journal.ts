/** What of the journal is what a container printed: the same for the agent and for who reads without it. */
import { containerUnit } from './container-state.ts';
import type { JournalQuery } from './journal.ts';

export interface ContainerLogs {
  readonly follow: boolean;
  readonly tail?: number | undefined;
  /** RFC 3339, as the next one. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly grep?: string | undefined;
  /** Also what containers that had this name before printed. */
  readonly earlier?: boolean | undefined;
}

/** Whose lines: any of it may be unknown to who may not read definitions. */
interface Whose {
  readonly name: string;
  readonly id?: string | undefined;
  readonly createdAt?: string | undefined;
}

/** Of one that said neither when nor what. */
const TAIL_DEFAULT = 1000;

export function containerJournal({ name, id, createdAt }: Whose, wanted: ContainerLogs): JournalQuery {
  const { follow, since, until, grep, earlier = false } = wanted;
  const isPart = since !== undefined || until !== undefined || grep !== undefined;
  // Those made before containers had a mark are told apart by the time alone.
  const begin = earlier || id !== undefined ? undefined : createdAt;
  const times = [since, begin].flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  return {
    unit: containerUnit(name),
    follow,
    tail: wanted.tail ?? (isPart ? undefined : TAIL_DEFAULT),
    ...(times.length === 0 ? {} : { sinceMs: Math.max(...times) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
    ...(grep === undefined ? {} : { grep }),
    ...(earlier || id === undefined ? {} : { mark: id }),
  };
}

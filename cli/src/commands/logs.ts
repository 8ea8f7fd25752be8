import { VoltError } from '@volt/shared/errors';
import { ContainerName } from '@volt/shared/model';
import { agentMethods, type LogLine } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { ndjson } from '../output/index.ts';
import type { LogQuery } from '../offline/index.ts';
import type { Session } from '../session/index.ts';
import type { ColourName } from '../terminal/index.ts';
import { asksOneAgent, findElsewhere, findInCluster, type Place } from './locate.ts';

/** Each follows with a connection of its own. */
const NAMES_MAX = 64;

const prefixColours: readonly ColourName[] = ['cyan', 'yellow', 'green', 'magenta', 'blue'];

export const logs = command({
  path: 'container logs',
  alias: 'logs',
  summary: 'Read what containers printed, from the journal.',
  params: () =>
    z.object({
      names: z.array(ContainerName).min(1).max(NAMES_MAX).describe('Containers, or workloads for all of their copies.'),
      follow: agentMethods['container.logs'].params.shape.follow,
      tail: agentMethods['container.logs'].params.shape.tail,
      timestamps: z.boolean().default(false).describe('Say when each line was printed.'),
    }),
  rest: 'names',
  short: { f: 'follow', n: 'tail', t: 'timestamps' },
  examples: ['logs web', 'logs web -f --tail 20', 'logs web db -o json'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],
  names: { names: 'instance' },

  async run({ names, timestamps, ...query }, session) {
    // When one ends badly, so do the others: half an answer that goes on looks like a whole one.
    const others = new AbortController();
    const signal = AbortSignal.any([session.signal, others.signal]);
    const readers = await Promise.all(names.map((name) => readersFor(name, query, session)));
    const all = readers.flat();
    const isShared = all.length > 1;
    const print = linePrinter(session, { isShared, timestamps });
    try {
      await Promise.all(all.map((read) => read(print, signal)));
    } catch (thrown) {
      others.abort();
      throw thrown;
    }
    return 0;
  },
});

interface Query {
  readonly follow: boolean;
  readonly tail: number;
}

type Print = (line: LogLine) => Promise<void>;
type Reader = (print: Print, signal: AbortSignal) => Promise<unknown>;

/** A name gives one reader, or one for each copy of a workload. */
async function readersFor(name: string, query: Query, session: Session): Promise<Reader[]> {
  if (!(await asksOneAgent(session))) return (await findInCluster(name, session)).map((place) => remote(place, query));
  const agent = await session.agent('logs');
  const here = remote({ name, agent }, query);
  return [(print, signal) => here(print, signal).catch((thrown: unknown) => elsewhere(thrown, { print, signal }))];

  async function elsewhere(thrown: unknown, to: { print: Print; signal: AbortSignal }): Promise<void> {
    if (await session.isAgentDown(thrown)) return offline({ name, ...query }, session, { ...to, thrown });
    if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
    const places = await findElsewhere(name, session, thrown);
    await Promise.all(places.map((place) => remote(place, query)(to.print, to.signal)));
  }
}

const remote =
  ({ name, agent }: Place, query: Query): Reader =>
  (print, signal) =>
    agent.stream('container.logs', { name, ...query }, { signal, onEvent: print });

interface OfflineTo {
  readonly print: Print;
  readonly signal: AbortSignal;
  /** Why the agent was not asked. */
  readonly thrown: unknown;
}

async function offline(query: LogQuery, session: Session, { print, signal, thrown }: OfflineTo): Promise<void> {
  let isSaid = false;
  const say = async () => {
    if (!isSaid) await session.sayOffline();
    isSaid = true;
  };
  try {
    for await (const line of session.offline.logs(query, signal)) {
      await say();
      await print(line);
    }
  } catch (failure) {
    // Where systemd cannot be asked either, that the agent is down is what people need to know.
    throw failure instanceof VoltError && failure.code === 'DEPENDENCY' && !isSaid ? thrown : failure;
  }
  await say();
}

/** Whole lines at a time, so that those of several containers do not run into each other. */
function linePrinter(session: Session, { isShared, timestamps }: { isShared: boolean; timestamps: boolean }): Print {
  const { stdout } = session.terminal;
  const { output } = session.settings;
  if (output !== 'table' && output !== 'wide' && output !== 'name') {
    return (line) => stdout.write(ndjson(line));
  }
  const paint = session.paint();
  const clean = stdout.isTerminal ? visible : (text: string) => text;
  const colours = new Map<string, ColourName>();
  let isPrefixed = isShared;
  let first: string | undefined;
  return async (line) => {
    // A workload's name can turn out to stand for several only when their lines arrive.
    first ??= line.name;
    isPrefixed ||= first !== line.name;
    const colour = colours.get(line.name) ?? prefixColours[colours.size % prefixColours.length]!;
    colours.set(line.name, colour);
    const prefix = isPrefixed ? `${paint(colour, `${line.name} |`)} ` : '';
    await stdout.write(`${prefix}${timestamps ? `${line.at} ` : ''}${clean(line.text)}\n`);
  };
}

/** Colours may pass; what moves the cursor or changes the window may not. */
const visible = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\u001B\[[0-9;]*m|([\u0000-\u0008\u000A-\u001F\u007F-\u009F])/g, (found, control?: string) =>
    control === undefined ? found : '',
  );

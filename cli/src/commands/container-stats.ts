/** What containers use, again and again: two questions, and what has changed between them. */
import type { ContainerUsage } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { setTimeout as delay } from 'node:timers/promises';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';

const INTERVAL_MS = 1000;

const row = agentMethods['container.stats'];

/** Home, and nothing below what follows. */
const REDRAW = '\u001B[H\u001B[J';

export const containerStats = command({
  path: 'container stats',
  alias: 'top',
  summary: 'Show what running containers use, until it is interrupted.',
  params: () =>
    z.object({
      names: row.params.shape.names.describe('Containers; all when none is given.'),
      stream: z.boolean().default(true).describe('Show it again and again.'),
    }),
  rest: 'names',
  examples: ['container stats', 'container stats web db', 'top --no-stream -o json'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],
  names: { names: 'container' },

  async run({ names, stream }, session) {
    const client = await session.client('agent', 'container stats');
    const ask = () =>
      session.orOffline('container.stats', { names }, () =>
        client.call('container.stats', { names }, { signal: session.signal }),
      ) as Promise<ContainerUsage[]>;
    const { stdout } = session.terminal;
    const redraws = stream && stdout.isTerminal && ['table', 'wide'].includes(session.settings.output);
    for (let before = await ask(); ;) {
      await delay(INTERVAL_MS, undefined, { signal: session.signal });
      const after = await ask();
      if (redraws) await stdout.write(REDRAW);
      await show(ratesOf(before, after), session);
      if (!stream) return 0;
      before = after;
    }
  },
});

interface Rates extends Pick<ContainerUsage, 'name' | 'memoryBytes' | 'memoryLimitBytes' | 'processes'> {
  /** Of one processor. */
  readonly cpuPercent: number | null;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
}

const columns = ['name', 'cpuPercent', 'memoryBytes', 'memoryLimitBytes', 'processes'];
const more = ['receivedBytes', 'sentBytes', 'readBytes', 'writtenBytes'];

const show = (rates: readonly Rates[], session: Session) =>
  session.print(rates, { columns: [...columns, ...more] }, 'running containers');

/** By name, of those that are in both. A container that was started again in between begins at nothing. */
export function ratesOf(before: readonly ContainerUsage[], after: readonly ContainerUsage[]): Rates[] {
  const first = new Map(before.map((usage) => [usage.name, usage]));
  return after.flatMap((usage) => {
    const earlier = first.get(usage.name);
    if (earlier === undefined) return [];
    const { name, memoryBytes, memoryLimitBytes, processes, readBytes, writtenBytes, receivedBytes, sentBytes } = usage;
    return [
      {
        name,
        cpuPercent: percent(earlier, usage),
        memoryBytes,
        memoryLimitBytes,
        processes,
        receivedBytes,
        sentBytes,
        readBytes,
        writtenBytes,
      },
    ];
  });
}

function percent(before: ContainerUsage, after: ContainerUsage): number | null {
  const elapsedMs = Date.parse(after.at) - Date.parse(before.at);
  if (after.cpuUsec === null || before.cpuUsec === null || elapsedMs <= 0) return null;
  const usedUsec = Math.max(0, after.cpuUsec - before.cpuUsec);
  return Math.round(usedUsec / elapsedMs) / 10;
}

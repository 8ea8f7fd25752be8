import { VoltError } from '@volt/shared/errors';
import { ContainerName } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { InOrder, untilTheEnd, whileFollowing } from './logs-in-order.ts';
import { linePrinter } from './logs-print.ts';
import { readersFor } from './logs-readers.ts';
import { momentOf } from './logs-when.ts';

/** Each is read over a connection of its own. */
const NAMES_MAX = 64;

export const logs = command({
  path: 'container logs',
  alias: 'logs',
  summary: 'Read what containers printed, from the journal.',
  params: () => {
    const { follow, tail, grep, earlier } = agentMethods['container.logs'].params.shape;
    return z.object({
      names: z.array(ContainerName).min(1).max(NAMES_MAX).describe('Containers, or workloads for all of their copies.'),
      follow,
      tail,
      since: z.string().optional().describe("Nothing that is older: 10m, yesterday, '2026-01-31 08:00' or RFC 3339."),
      until: z.string().optional().describe('Nothing that is younger, in the same words.'),
      grep,
      earlier,
      timestamps: z.boolean().default(false).describe('Say when each line was printed.'),
    });
  },
  rest: 'names',
  short: { f: 'follow', n: 'tail', t: 'timestamps', g: 'grep' },
  examples: [
    'logs web',
    'logs web -f --tail 20',
    'logs web db --since 10m -o json',
    "logs web --since yesterday --grep 'GET /.* 5[0-9][0-9]'",
  ],
  errors: ['NOT_FOUND', 'DEPENDENCY'],
  names: { names: 'instance' },

  async run({ names, timestamps, since, until, ...rest }, session) {
    const { now } = session.view();
    const wanted = {
      ...rest,
      since: since === undefined ? undefined : momentOf(since, '--since', now),
      until: until === undefined ? undefined : momentOf(until, '--until', now),
    };
    refuseEmpty(wanted);
    // When one ends badly, so do the others: half an answer that goes on looks like a whole one.
    const others = new AbortController();
    const signal = AbortSignal.any([session.signal, others.signal]);
    const shown = new Set<string>();
    const inOrder = new InOrder(linePrinter(session, shown, timestamps), wanted.follow ? whileFollowing : untilTheEnd);
    const open = (name: string) => {
      shown.add(name);
      return inOrder.open();
    };
    const forget = (name: string) => void shown.delete(name);
    const reading = { session, open, forget };
    const readers = await Promise.all([...new Set(names)].map((name) => readersFor(name, wanted, reading)));
    try {
      await Promise.all(readers.flat().map((read) => read(signal)));
    } catch (thrown) {
      others.abort();
      throw thrown;
    }
    return 0;
  },
});

interface Window {
  readonly follow: boolean;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

function refuseEmpty({ follow, since, until }: Window): void {
  if (until === undefined) return;
  if (follow) throw new VoltError('USAGE', 'What is followed has no end', { hint: 'leave out --follow or --until' });
  if (since !== undefined && since > until) throw new VoltError('USAGE', "'--since' is after '--until'");
}

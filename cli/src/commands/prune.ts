/** What nobody needs any more, deleted: told first, and asked for, unless it is said that nobody need be asked. */
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { bytes } from '../output/index.ts';
import { confirm } from './confirm.ts';

type Noun = 'container' | 'image' | 'volume';

interface Found {
  readonly name: string;
  readonly sizeBytes?: number | null | undefined;
}

interface Pruning {
  readonly columns: readonly string[];
  /** Whether what goes is counted in the question. */
  readonly isCounted?: boolean;
}

export const containerPrune = prune('container', { columns: ['name', 'state', 'image', 'exitCode'] });
export const imagePrune = prune('image', { columns: ['name', 'digest', 'sizeBytes', 'createdAt'] });
export const volumePrune = prune('volume', { columns: ['name', 'sizeBytes', 'createdAt'], isCounted: true });

function prune(noun: Noun, { columns, isCounted = false }: Pruning) {
  const method = `${noun}.prune` as const;
  const path = `${noun} prune`;
  return command({
    path,
    summary: agentMethods[method].summary,
    params: () =>
      z.object({
        dryRun: z.boolean().default(false).describe('Only tell which those are.'),
        yes: z.boolean().default(false).describe('Do not ask.'),
      }),
    short: { y: 'yes' },
    examples: [`${path} --dry-run`, `${path} --yes`],
    errors: ['CONFLICT', 'DEPENDENCY', 'INTERRUPTED'],

    async run({ dryRun, yes }, session) {
      const agent = await session.client('agent', path);
      const { signal } = session;
      const found = (await agent.call(method, { dryRun: dryRun || !yes }, { signal })) as readonly Found[];
      if (!dryRun && !yes && found.length > 0) {
        const names = found.map(({ name }) => name);
        const total = found.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
        await confirm(`Delete ${names.join(', ')}${isCounted ? `: ${bytes(total)} of files` : ''}?`, session);
        // Those that were agreed to, and not what has become of no use meanwhile.
        for (const name of names) await agent.call(`${noun}.delete`, { name }, { signal });
      }
      await session.print(found, { columns }, `${noun}s to delete`);
      return 0;
    },
  });
}

import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { bytes } from '../output/index.ts';
import { confirm } from './confirm.ts';

const row = agentMethods['volume.prune'];

const columns = ['name', 'sizeBytes', 'createdAt'];

export const volumePrune = command({
  path: 'volume prune',
  summary: row.summary,
  params: () =>
    z.object({
      dryRun: row.params.shape.dryRun,
      yes: z.boolean().default(false).describe('Do not ask.'),
    }),
  short: { y: 'yes' },
  examples: ['volume prune --dry-run', 'volume prune --yes'],
  errors: ['CONFLICT', 'DEPENDENCY', 'INTERRUPTED'],

  async run({ dryRun, yes }, session) {
    const agent = await session.agent('volume prune');
    const { signal } = session;
    const found = await agent.call('volume.prune', { dryRun: dryRun || !yes }, { signal });
    if (!dryRun && !yes && found.length > 0) {
      const names = found.map(({ name }) => name);
      const total = found.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
      await confirm(`Delete ${names.join(', ')}: ${bytes(total)} of files?`, session);
      // Those that were agreed to, and not what has become of no use meanwhile.
      for (const name of names) await agent.call('volume.delete', { name }, { signal });
    }
    await session.print(found, { columns }, 'volumes to delete');
    return 0;
  },
});

import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { confirm } from './confirm.ts';

const row = agentMethods['image.prune'];

const columns = ['name', 'digest', 'sizeBytes', 'createdAt'];

export const imagePrune = command({
  path: 'image prune',
  summary: row.summary,
  params: () =>
    z.object({
      dryRun: row.params.shape.dryRun,
      yes: z.boolean().default(false).describe('Do not ask.'),
    }),
  short: { y: 'yes' },
  examples: ['image prune --dry-run', 'image prune --yes'],
  errors: ['DEPENDENCY', 'INTERRUPTED'],

  async run({ dryRun, yes }, session) {
    const agent = await session.agent('image prune');
    const { signal } = session;
    const found = await agent.call('image.prune', { dryRun: dryRun || !yes }, { signal });
    if (!dryRun && !yes && found.length > 0) {
      const names = found.map(({ name }) => name);
      await confirm(`Delete ${names.join(', ')}?`, session);
      // Those that were agreed to, and not what has become of no use meanwhile.
      for (const name of names) await agent.call('image.delete', { name }, { signal });
    }
    await session.print(found, { columns }, 'images to delete');
    return 0;
  },
});

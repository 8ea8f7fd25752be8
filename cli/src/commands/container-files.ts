/** What a container changed, and all that it is made of. */
import { agentMethods, type FileChange } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { harmless } from '../terminal/index.ts';
import { saveArchive } from './archive-file.ts';

const diffRow = agentMethods['container.diff'];

export const containerDiff = command({
  path: 'container diff',
  summary: diffRow.summary,
  params: () => diffRow.params,
  positional: ['name'],
  examples: ['container diff web', 'container diff web -o json'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],
  names: { name: 'container' },

  async run(params, session) {
    const agent = await session.agent('container diff');
    const { output } = session.settings;
    const isForPeople = output === 'table' || output === 'wide';
    const all: FileChange[] = [];
    await agent.stream('container.diff', params, {
      signal: session.signal,
      onEvent: async ({ changes }) => {
        if (!isForPeople) return void all.push(...changes);
        const lines = changes.map(({ change, path }) => `${change} ${harmless(path)}\n`);
        await session.terminal.stdout.write(lines.join(''));
      },
    });
    if (!isForPeople) await session.print(all, { columns: ['path'] });
    return 0;
  },
});

const exportRow = agentMethods['container.export'];

export const containerExport = command({
  path: 'container export',
  summary: exportRow.summary,
  params: () =>
    z.object({
      name: exportRow.params.shape.name,
      file: z.string().default('-').describe('Where to write it; - is standard output.'),
    }),
  positional: ['name'],
  short: { f: 'file' },
  examples: ['container export web -f web.tar', 'container export web > web.tar'],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE'],
  names: { name: 'container' },

  async run({ name, file }, session) {
    const agent = await session.agent('container export');
    return saveArchive(
      file,
      (write) => {
        const onEvent = ({ data }: { data: string }) => write(Buffer.from(data, 'base64'));
        return agent.stream('container.export', { name }, { signal: session.signal, onEvent });
      },
      { session, hint: 'volt container export NAME -f FILE' },
    );
  },
});

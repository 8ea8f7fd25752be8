/** Volumes as archives: out and in. */
import { VolumeSpec } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { saveArchive } from './archive-file.ts';
import { frames, openSource } from './image-import.ts';

const exportRow = agentMethods['volume.export'];
const importRow = agentMethods['volume.import'];

export const volumeExport = command({
  path: 'volume export',
  summary: exportRow.summary,
  params: () =>
    z.object({
      name: exportRow.params.shape.name,
      file: z.string().default('-').describe('Where to write it; - is standard output.'),
    }),
  positional: ['name'],
  short: { f: 'file' },
  examples: ['volume export data > data.tar', 'volume export data -f data.tar'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY', 'RESOURCE'],
  names: { name: 'volume' },

  async run({ name, file }, session) {
    const agent = await session.agent('volume export');
    return saveArchive(
      file,
      (write) => {
        const onEvent = ({ data }: { data: string }) => write(Buffer.from(data, 'base64'));
        return agent.stream('volume.export', { name }, { signal: session.signal, onEvent });
      },
      { session, hint: 'volt volume export NAME -f FILE' },
    );
  },
});

export const volumeImport = command({
  path: 'volume import',
  summary: importRow.summary,
  params: () => {
    const { name, size, labels } = VolumeSpec.shape;
    return z.object({
      name,
      source: z.string().default('-').describe('A tar archive, plain, gzip or zstd, or a folder; - is standard input.'),
      size,
      labels,
    });
  },
  positional: ['name', 'source'],
  short: { l: 'labels' },
  examples: ['volume import data < data.tar', 'volume import site ./public'],
  errors: ['NOT_FOUND', 'ALREADY_EXISTS', 'DEPENDENCY', 'RESOURCE', 'INVALID_CONFIG'],

  async run({ source }, session, given) {
    const { source: _source, ...spec } = given;
    const { archive, destroy } = await openSource(source, session.terminal, 'volt volume import NAME SOURCE');
    const agent = await session.agent('volume import');
    const progress = session.progress();
    try {
      const onEvent = (event: Parameters<typeof progress.show>[0]) => progress.show(event);
      const result = await agent.stream('volume.import', spec, {
        signal: session.signal,
        onEvent,
        input: frames(archive),
      });
      await progress.end();
      await session.print(result, { columns: ['name', 'size', 'usedBy', 'createdAt'] });
      return 0;
    } finally {
      await progress.end();
      destroy();
    }
  },
});

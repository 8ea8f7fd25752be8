import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { saveArchive } from './archive-file.ts';

const row = agentMethods['image.export'];

export const imageExport = command({
  path: 'image export',
  summary: row.summary,
  params: () => {
    const { name, format, compress } = row.params.shape;
    return z.object({
      name,
      file: z.string().default('-').describe('Where to write it; - is standard output.'),
      format,
      compress,
    });
  },
  positional: ['name'],
  short: { f: 'file' },
  examples: [
    'image export web -f web.tar',
    'image export web --compress zstd > web.tar',
    'image export web --format rootfs',
  ],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE'],
  names: { name: 'image' },

  async run({ file }, session, given) {
    const { file: _file, ...request } = given;
    const agent = await session.agent('image export');
    return saveArchive(
      file,
      (write) => {
        const onEvent = ({ data }: { data: string }) => write(Buffer.from(data, 'base64'));
        return agent.stream('image.export', request, { signal: session.signal, onEvent });
      },
      { session, hint: 'volt image export NAME -f FILE' },
    );
  },
});

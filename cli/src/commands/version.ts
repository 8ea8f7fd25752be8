import { version as programVersion } from '@volt/shared/program';
import * as z from 'zod';
import { command } from '../catalog/index.ts';

export const version = command({
  path: 'version',
  summary: 'Show the version of this program.',
  params: () => z.object({}),
  examples: ['version', 'version -o json'],

  async run(_values, session) {
    const { output } = session.settings;
    if (output === 'table' || output === 'wide') await session.terminal.stdout.write(`volt ${programVersion}\n`);
    else
      await session.print({ name: 'volt', version: programVersion, node: process.version }, { columns: ['version'] });
    return 0;
  },
});

/** Commands that move contents in and out of the store. */
import { resolve } from 'node:path';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { frames, openInput } from './image-import.ts';

const [buildRow, getRow, putRow] = [agentMethods['cas.build'], agentMethods['cas.get'], agentMethods['cas.put']];

export const casBuild = command({
  path: 'cas build',
  summary: buildRow.summary,
  params: () =>
    z.object({ path: z.string().min(1).describe('A folder of the node.'), name: buildRow.params.shape.name }),
  positional: ['path'],
  examples: ['cas build /srv/site', 'cas build /path/to/rootfs --name rootfs:1'],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE', 'INVALID_CONFIG'],

  async run({ path, name }, session) {
    const agent = await session.agent('cas build');
    const progress = session.progress();
    try {
      const result = await agent.stream(
        'cas.build',
        { path: resolve(path), name },
        { signal: session.signal, onEvent: (event) => progress.show(event) },
      );
      await progress.end();
      await session.print(result, { columns: ['name', 'digest', 'files', 'sizeBytes'] });
      return 0;
    } finally {
      await progress.end();
    }
  },
});

export const casGet = command({
  path: 'cas get',
  summary: getRow.summary,
  params: () => getRow.params,
  positional: ['object'],
  examples: ['cas get 3a7bd3e2360a > file', 'cas get web:1.2'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],

  /** The bytes themselves, whatever the format: nothing else may be among them. */
  async run({ object }, session) {
    const agent = await session.agent('cas get');
    const onEvent = ({ data }: { data: string }) => session.terminal.stdout.write(Buffer.from(data, 'base64'));
    await agent.stream('cas.get', { object }, { signal: session.signal, onEvent });
    return 0;
  },
});

export const casPut = command({
  path: 'cas put',
  summary: putRow.summary,
  params: () =>
    z.object({
      file: z.string().default('-').describe('What to store; - is standard input.'),
      pin: putRow.params.shape.pin,
    }),
  positional: ['file'],
  examples: ['cas put firmware.bin --pin', 'date | volt cas put'],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE'],

  async run({ file, pin }, session) {
    const source = await openInput(file, session.terminal, 'volt cas put FILE');
    const progress = session.progress();
    try {
      const agent = await session.agent('cas put');
      const result = await agent.stream(
        'cas.put',
        { pin },
        { signal: session.signal, onEvent: (event) => progress.show(event), input: frames(source) },
      );
      await progress.end();
      await session.print(result, { columns: ['digest', 'sizeBytes'] });
      const kept = `volt cas pin ${result.digest.slice(0, 12)}`;
      if (!pin) await session.note(`The next collection removes it; to keep it: ${kept}`);
      return 0;
    } finally {
      await progress.end();
      source.destroy();
    }
  },
});

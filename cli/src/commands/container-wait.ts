/** A script that starts something and goes on when that is over. */
import { agentMethods } from '@volt/shared/rpc';
import { command } from '../catalog/index.ts';

const row = agentMethods['container.wait'];

export const containerWait = command({
  path: 'container wait',
  summary: row.summary,
  params: () => row.params,
  positional: ['name'],
  examples: ['container wait job', 'container wait web --condition healthy'],
  errors: ['NOT_FOUND', 'DEPENDENCY'],
  names: { name: 'container' },

  async run(params, session) {
    const agent = await session.agent('container wait');
    const { exitCode } = await agent.stream('container.wait', params, { signal: session.signal, onEvent: () => {} });
    return exitCode;
  },
});

import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import type { z } from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { detachKeys, endOf, joined, requireTerminal } from './attached.ts';
import { asksOneAgent, findElsewhere, findInCluster, onlyOne, type Place } from './locate.ts';

const row = agentMethods['container.exec'];

type Params = z.output<ReturnType<typeof execParams>>;

// The size of the window is measured, not given.
const execParams = () =>
  row.params.omit({ columns: true, rows: true, stdin: true }).extend({
    command: row.params.shape.command.describe('Program and its arguments.'),
    interactive: row.params.shape.stdin.describe('Pass on standard input.'),
    detachKeys: detachKeys(),
  });

export const exec = command({
  path: 'container exec',
  alias: 'exec',
  summary: row.summary,
  params: execParams,
  positional: ['name'],
  rest: 'command',
  short: { i: 'interactive', t: 'tty', e: 'env', u: 'user' },
  examples: [
    'exec web -- nginx -t',
    'exec web -it -- sh',
    'exec db -i -- psql < dump.sql',
    'exec web --user www-data -- id',
  ],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY'],
  names: { name: 'instance' },

  async run(params, session) {
    if (params.tty) requireTerminal(session.terminal);
    return execOnPlace(params, session);
  },
});

/** Wherever a container of that name is. */
export async function execOnPlace(params: Params, session: Session): Promise<number> {
  const { name } = params;
  const run = (place: Place) => execIn(place, params, session);
  if (!(await asksOneAgent(session))) return run(onlyOne(await findInCluster(name, session), name));
  const agent = await session.agent('exec');
  try {
    // What was read from standard input for an attempt that was refused is lost to the next one.
    if (params.interactive || params.tty) await agent.call('container.inspect', { name }, { signal: session.signal });
    return await run({ name, agent });
  } catch (thrown) {
    if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
    return run(onlyOne(await findElsewhere(name, session, thrown), name));
  }
}

async function execIn({ name, agent }: Place, params: Params, session: Session): Promise<number> {
  const { interactive, detachKeys: keys, ...rest } = params;
  const passesInput = interactive || params.tty;
  const join = { isRaw: params.tty, passesInput, detachKeys: keys };
  const code = await joined(session, join, (size, options) =>
    agent.stream('container.exec', { ...rest, name, stdin: passesInput, ...size }, options),
  );
  return endOf(code, `'${params.command[0]}' in '${name}'`, session);
}

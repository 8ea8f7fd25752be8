import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { detachKeys, endOf, joined } from './attached.ts';
import { asksOneAgent, findElsewhere, findInCluster, onlyOne, type Place } from './locate.ts';

const row = agentMethods['container.attach'];

const attachParams = () =>
  row.params.pick({ name: true }).extend({
    stdin: z.boolean().default(true).describe('Pass on standard input, where the container takes any.'),
    detachKeys: detachKeys(),
  });

type Params = z.output<ReturnType<typeof attachParams>>;

export const containerAttach = command({
  path: 'container attach',
  alias: 'attach',
  summary: row.summary,
  params: attachParams,
  positional: ['name'],
  examples: ['attach web', 'attach web --no-stdin', 'attach web --detach-keys ctrl-]'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY'],
  names: { name: 'instance' },

  async run(params, session) {
    const { name } = params;
    if (!(await asksOneAgent(session)))
      return attachIn(onlyOne(await findInCluster(name, session), name), params, session);
    try {
      return await attachIn({ name, agent: await session.agent('attach') }, params, session);
    } catch (thrown) {
      if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
      return attachIn(onlyOne(await findElsewhere(name, session, thrown), name), params, session);
    }
  },
});

async function attachIn(
  { name, agent }: Place,
  { stdin, detachKeys: keys }: Params,
  session: Session,
): Promise<number> {
  const { config } = await agent.call('container.inspect', { name }, { signal: session.signal });
  const { tty = false, interactive = false } = config.spec;
  const isTerminal = session.terminal.stdin.isTerminal;
  const passesInput = stdin && (interactive || (tty && isTerminal));
  // With keys to leave by there is a way out though nothing is typed.
  const join = { isRaw: tty && isTerminal && passesInput, passesInput, detachKeys: keys };
  const code = await joined(session, join, (size, options) =>
    agent.stream('container.attach', { name, stdin: passesInput, ...size }, options),
  );
  return endOf(code, `'${name}'`, session);
}

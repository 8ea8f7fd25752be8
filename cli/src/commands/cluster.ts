import { readFile } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { cannotRead } from './image-import.ts';

const TOKEN_CHARACTERS_MAX = 4096;

export const clusterInit = command({
  path: 'cluster init',
  summary: agentMethods['cluster.init'].summary,
  params: () => agentMethods['cluster.init'].params,
  examples: [
    'cluster init',
    'cluster init --address 192.0.2.1',
    'cluster init --name prod --address 192.0.2.1 --range 10.8.0.0/16',
  ],
  errors: ['ALREADY_EXISTS', 'CONFLICT', 'DEPENDENCY', 'RESOURCE'],

  async run(_values, session, given) {
    const agent = await session.agent('cluster init');
    const result = await agent.call('cluster.init', given, { signal: session.signal });
    if (session.settings.output !== 'table') {
      await session.print(result, { columns: ['cluster', 'node', 'join'] });
      return 0;
    }
    await session.note(
      `Cluster '${result.cluster}' has its first node, '${result.node}'.\n` +
        'On each machine that is to join run the command, and paste the token when it waits for it:',
    );
    // The token is not in the command: arguments are there for everybody on the machine to see.
    const join = `volt cluster join ${result.controller} --token-file -`;
    await session.terminal.stdout.write(`${join}\n${result.join}\n`);
    return 0;
  },
});

const joinParams = () =>
  agentMethods['cluster.join'].params.omit({ token: true }).extend({
    token: z.string().optional().describe('The token. Others on this machine can see it while this runs.'),
    tokenFile: z.string().optional().describe('File with the token; - is standard input.'),
  });
type JoinParams = z.output<ReturnType<typeof joinParams>>;

export const clusterJoin = command({
  path: 'cluster join',
  summary: agentMethods['cluster.join'].summary,
  params: joinParams,
  positional: ['controller'],
  examples: [
    'cluster join 192.0.2.1:7444 --token-file -',
    'cluster join 192.0.2.1:7444 --token-file join.token --address 192.0.2.2',
    'VOLT_TOKEN=volt1.… volt cluster join 192.0.2.1:7444',
  ],
  errors: ['ALREADY_EXISTS', 'CONFLICT', 'DEPENDENCY', 'RESOURCE'],

  async run(values, session, { token: _token, tokenFile: _tokenFile, ...given }) {
    const token = await readToken(values, session);
    const agent = await session.agent('cluster join');
    const result = await agent.call('cluster.join', { ...given, token }, { signal: session.signal });
    await session.print(result, { columns: ['cluster', 'node', 'roles'] });
    return 0;
  },
});

async function readToken(values: JoinParams, session: Session): Promise<string> {
  const token = (await tokenText(values, session)).trim();
  if (agentMethods['cluster.join'].params.shape.token.safeParse(token).success) return token;
  throw new VoltError('USAGE', 'This is not a join token', { hint: 'volt cluster token, on a node of the cluster' });
}

/** The flag, else the file, else VOLT_TOKEN, else what is piped in. */
async function tokenText({ token, tokenFile }: JoinParams, session: Session): Promise<string> {
  const { stdin, env } = session.terminal;
  if (token !== undefined) {
    await session.note('warning: other users of this machine can see the token: --token-file or VOLT_TOKEN hide it');
    return token;
  }
  if (tokenFile !== undefined && tokenFile !== '-') {
    return readFile(tokenFile, 'utf8').catch((cause: unknown) => Promise.reject(cannotRead(tokenFile, cause)));
  }
  if (tokenFile === undefined && env['VOLT_TOKEN'] !== undefined) return env['VOLT_TOKEN'];
  if (stdin.isTerminal && tokenFile === undefined) {
    throw new VoltError('USAGE', 'There is no join token', {
      hint: '--token-file FILE, or VOLT_TOKEN in the environment',
    });
  }
  if (stdin.isTerminal) await session.note('The token:');
  let text = '';
  for await (const chunk of stdin.stream()) {
    text += String(chunk);
    // A line is enough: who pastes it need not know how to end a terminal's input.
    if (text.length > TOKEN_CHARACTERS_MAX || text.trimStart().includes('\n')) break;
  }
  return text;
}

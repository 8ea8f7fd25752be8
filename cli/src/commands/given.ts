/** What secrets and configs are made of: a file, or what comes on standard input. Never a word of the command. */
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { frames, openInput } from './image-import.ts';

const columns = ['name', 'bytes', 'usedBy', 'updatedAt'];

type Writing = 'secret.create' | 'secret.update' | 'config.create' | 'config.update';

interface Given {
  readonly name: string;
  readonly labels?: Record<string, string> | undefined;
}

async function send(method: Writing, given: Given, { file, session }: { file: string; session: Session }) {
  const [noun = ''] = method.split('.');
  const input = await openInput(file, session.terminal, `volt ${method.replace('.', ' ')} ${given.name} FILE`);
  try {
    const agent = await session.agent(`${noun} ${method.split('.')[1]}`);
    const { name, labels } = given;
    const params = labels === undefined ? { name } : { name, labels };
    const result = await agent.stream(method, params, {
      signal: session.signal,
      onEvent: () => {},
      input: frames(input),
    });
    await session.print(result, { columns });
    return 0;
  } finally {
    input.destroy();
  }
}

const File = z.string().default('-').describe('File with what is to be in it; - is standard input.');

const creation = (method: 'secret.create' | 'config.create', examples: readonly string[]) => {
  const row = agentMethods[method];
  return command({
    path: method.replace('.', ' '),
    summary: row.summary,
    params: () => z.object({ name: row.params.shape.name, file: File, labels: row.params.shape.labels }),
    positional: ['name', 'file'],
    short: { l: 'labels' },
    examples: [...examples],
    errors: ['NOT_FOUND', 'ALREADY_EXISTS', 'CONFLICT', 'DEPENDENCY', 'RESOURCE'],
    run: ({ file }, session, { name, labels }) => send(method, { name, labels }, { file, session }),
  });
};

const change = (method: 'secret.update' | 'config.update', examples: readonly string[]) => {
  const row = agentMethods[method];
  return command({
    path: method.replace('.', ' '),
    summary: row.summary,
    params: () => z.object({ name: row.params.shape.name, file: File }),
    positional: ['name', 'file'],
    examples: [...examples],
    errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY', 'RESOURCE'],
    names: { name: method === 'secret.update' ? 'secret' : 'config' },
    run: ({ file }, session, { name }) => send(method, { name }, { file, session }),
  });
};

export const givenCommands = [
  creation('secret.create', ['secret create db-password password.txt', 'pwgen 32 1 | volt secret create db-password']),
  change('secret.update', ['secret update db-password - < password.txt']),
  creation('config.create', ['config create nginx nginx.conf', 'config create nginx nginx.conf --label team=web']),
  change('config.update', ['config update nginx nginx.conf']),
];

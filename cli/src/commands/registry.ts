import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';

const row = agentMethods['registry.login'];

const PASSWORD_CHARS_MAX = 8192;

/** The password is never a word of the command: other users of the machine could see it. */
export const registryLogin = command({
  path: 'registry login',
  summary: row.summary,
  params: () => {
    const { host, username } = row.params.shape;
    return z.object({
      host,
      username,
      passwordStdin: z.boolean().default(false).describe('Read the password from standard input.'),
    });
  },
  positional: ['host'],
  short: { u: 'username' },
  examples: ['registry login ghcr.io -u me', 'registry login ghcr.io -u me --password-stdin < token'],
  errors: ['PERMISSION', 'NETWORK', 'INVALID_CONFIG'],

  async run({ host, username, passwordStdin }, session) {
    const password = await readPassword(passwordStdin, session);
    const agent = await session.agent('registry login');
    const result = await agent.call('registry.login', { host, username, password }, { signal: session.signal });
    await session.print(result, { columns: ['host', 'username'] });
    return 0;
  },
});

async function readPassword(isPiped: boolean, session: Session): Promise<string> {
  const { stdin, stderr } = session.terminal;
  if (!stdin.isTerminal || isPiped) return piped(session);
  await stderr.write('Password: ');
  const restore = stdin.makeRaw();
  const keys = stdin.stream();
  try {
    let typed = '';
    for await (const chunk of keys) {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n') return checked(typed);
        if (key === '\u0003' || key === '\u0004') throw new VoltError('INTERRUPTED', 'Cancelled');
        typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
      }
    }
    return checked(typed);
  } finally {
    restore();
    keys.destroy();
    await stderr.write('\n');
  }
}

async function piped({ terminal }: Session): Promise<string> {
  let text = '';
  for await (const chunk of terminal.stdin.stream()) {
    text += String(chunk);
    if (text.length > PASSWORD_CHARS_MAX) break;
  }
  return checked(text.replace(/\r?\n$/, ''));
}

function checked(password: string): string {
  if (password !== '' && password.length <= PASSWORD_CHARS_MAX) return password;
  throw new VoltError('USAGE', password === '' ? 'There is no password' : 'The password is too long', {
    hint: 'volt registry login HOST -u NAME --password-stdin < FILE',
  });
}

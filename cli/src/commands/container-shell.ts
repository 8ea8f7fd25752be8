import { Argv } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import { command } from '../catalog/index.ts';
import { detachKeys } from './attached.ts';
import { execOnPlace } from './exec.ts';

/** The best shell that the image has, as one that somebody logs in to. */
const LOGIN = `shell=sh
! command -v bash > /dev/null || shell=bash
[ $# -gt 0 ] || exec $shell -l
exec $shell -lc 'exec "$@"' $shell "$@"`;

export const containerShell = command({
  path: 'container shell',
  alias: 'shell',
  summary: 'Open a login shell inside a running container.',
  params: () =>
    agentMethods['container.exec'].params.pick({ name: true, user: true, env: true }).extend({
      command: Argv.default([]).describe('Run only this in the shell.'),
      detachKeys: detachKeys(),
    }),
  positional: ['name'],
  rest: 'command',
  short: { e: 'env', u: 'user' },
  examples: ['shell web', 'shell web --user www-data', 'shell db -- psql', 'shell web < script.sh'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY'],
  names: { name: 'instance' },

  run({ command: words, ...params }, session) {
    const tty = session.terminal.stdin.isTerminal;
    const login = ['/bin/sh', '-c', LOGIN, 'sh', ...words];
    return execOnPlace({ ...params, command: login, interactive: true, tty }, session);
  },
});

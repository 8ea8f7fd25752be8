/** The start of a command line that becomes a container's program, inside: agent/enter/enter.c. */
import type { ContainerConfig } from '@volt/shared/model';
import { policyArguments } from '../../../security/index.ts';
import { ENTER_INSIDE } from './paths.ts';

/** `isOnTerminal`: what is on standard input is a terminal, and is to be the program's own. */
export function enterArguments(config: ContainerConfig, { isOnTerminal = false } = {}): string[] {
  const { spec, user, workdir } = config;
  return [
    ENTER_INSIDE,
    ...policyArguments(spec),
    `--user=${user === '' ? '0:0' : user}`,
    `--cwd=${workdir === '' ? '/' : workdir}`,
    ...(isOnTerminal ? ['--terminal'] : []),
    '--',
  ];
}

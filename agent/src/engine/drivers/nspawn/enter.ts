/** The start of a command line that becomes a container's program, inside: agent/enter/enter.c. */
import type { ContainerConfig } from '@volt/shared/model';
import { policyArguments } from '../../../security/index.ts';
import { ENTER_INSIDE } from './paths.ts';

interface Entry {
  /** By an exec, and not by the init, from which its program has its limits. */
  readonly isFromOutside?: boolean;
  /** What is on standard input is a socket of agent/enter/console.c, which takes the other end of a terminal. */
  readonly makesTerminal?: boolean;
}

export function enterArguments(config: ContainerConfig, entry: Entry = {}): string[] {
  const { spec, user, workdir } = config;
  return [
    ENTER_INSIDE,
    ...policyArguments(spec),
    `--user=${user === '' ? '0:0' : user}`,
    `--cwd=${workdir === '' ? '/' : workdir}`,
    ...(entry.isFromOutside === true ? ['--limits-of-init'] : []),
    ...(entry.makesTerminal === true ? ['--console'] : []),
    '--',
  ];
}

/** Whether what was started can be used, and what to say when it cannot. Pure. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerHealth, ContainerStatus } from '@volt/shared/model';

/** One that is not checked is ready as it runs, or has run to a good end. */
export const isReady = ({ state, health }: ContainerStatus, isChecked: boolean): boolean =>
  isChecked ? health === 'healthy' : state === 'running' || state === 'stopped';

/** It will not become ready by waiting. What its restart policy starts again may. */
export const isHopeless = ({ state, health }: ContainerStatus): boolean =>
  state === 'failed' || state === 'stopped' || state === 'created' || health === 'unhealthy';

export function notReady(
  { name, state, reason, health }: ContainerStatus,
  last: ContainerHealth | undefined,
): VoltError {
  const what = health === 'unhealthy' ? 'unhealthy' : `${state}${reason === null ? '' : `: ${reason}`}`;
  return new VoltError('DEPENDENCY', `Container '${name}' is ${what}${saidLast(last)}`, { hint: `volt logs ${name}` });
}

export function notInTime(name: string, timeoutMs: number, last: ContainerHealth | undefined): VoltError {
  const within = `within ${timeoutMs / 1000} s`;
  return new VoltError('TIMEOUT', `Container '${name}' was not healthy ${within}${saidLast(last)}`, {
    hint: `volt container inspect ${name}`,
  });
}

function saidLast(health: ContainerHealth | undefined): string {
  const output = health?.results.at(-1)?.output.trim() ?? '';
  return output === '' ? '' : `\n${output.replaceAll(/^/gm, '  ')}`;
}

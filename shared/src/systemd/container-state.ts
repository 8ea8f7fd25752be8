import type { ContainerState } from '../model/index.ts';
import { activeStates } from './active-state.ts';
import type { Unit } from './units.ts';

export const CONTAINER_UNITS = 'volt-container@*.service';

export const containerUnit = (name: string): string => `volt-container@${name}.service`;

/** The container that a unit runs; undefined for any other unit. */
export function containerOfUnit(unit: string): string | undefined {
  return /^volt-container@([a-z](?:[a-z0-9-]{0,46}[a-z0-9])?)\.service$/.exec(unit)?.[1];
}

/**
 * Our word for systemd's. `undefined` is a unit that is not loaded, which
 * systemd does with units that ended well; whether it ever ran is then known
 * to the caller only.
 */
export function containerState(
  unit: Pick<Unit, 'activeState' | 'startedAtMs'> | undefined,
  hasRun = false,
): ContainerState {
  const isOver = hasRun || (unit !== undefined && unit.startedAtMs !== null);
  return activeStates[unit?.activeState ?? ''] ?? (isOver ? 'stopped' : 'created');
}

/** Why a failed unit failed, in a few words. Null for any other. */
export function failureOf(unit: Pick<Unit, 'activeState' | 'result' | 'exitCode'>): string | null {
  if (unit.activeState !== 'failed') return null;
  switch (unit.result) {
    case 'exit-code':
      return `exit code ${unit.exitCode ?? 'unknown'}`;
    case 'signal':
    case 'core-dump':
      return `killed by signal ${(unit.exitCode ?? 128) - 128}`;
    case 'oom-kill':
      return 'out of memory';
    case 'timeout':
      return 'did not start or stop in time';
    case 'start-limit-hit':
      return 'started too often';
    default:
      return unit.result;
  }
}

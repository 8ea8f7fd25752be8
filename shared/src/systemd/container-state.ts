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
  unit: (Pick<Unit, 'activeState' | 'startedAtMs'> & Partial<Pick<Unit, 'isFrozen'>>) | undefined,
  hasRun = false,
): ContainerState {
  if (unit?.activeState === 'active' && unit.isFrozen === true) return 'paused';
  const isOver = hasRun || (unit !== undefined && unit.startedAtMs !== null);
  return activeStates[unit?.activeState ?? ''] ?? (isOver ? 'stopped' : 'created');
}

type Ended = Pick<Unit, 'activeState' | 'result' | 'exitCode'> & Partial<Pick<Unit, 'subState' | 'restarts'>>;

/** Why a failed unit failed, or why one that waits to be started again ended, in a few words. Null for any other. */
export function failureOf(unit: Ended): string | null {
  if (unit.activeState === 'failed') return causeOf(unit);
  if (unit.activeState !== 'activating' || unit.subState?.startsWith('auto-restart') !== true) return null;
  return `keeps ending: ${causeOf(unit)}${timesRestarted(unit.restarts ?? 0)}`;
}

/** To be said after why it ended. */
export function timesRestarted(restarts: number): string {
  if (restarts === 0) return '';
  return `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
}

function causeOf(unit: Ended): string {
  switch (unit.result) {
    case 'success':
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
      return unit.exitCode === null ? 'started too often' : `exit code ${unit.exitCode}, and was started often enough`;
    default:
      return unit.result;
  }
}

/** How the last run ended, as the unit itself wrote it down: systemd forgets units that are not loaded. */
import { constants } from 'node:os';
import { failureOf } from '@volt/shared/systemd';

export interface ExitRecord {
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly isFailure: boolean;
  readonly isOutOfMemory: boolean;
}

/** From `RESULT exited CODE` or `RESULT killed|dumped SIGNAL`; undefined when there is no such line. */
export function parseExitRecord(text: string | undefined): ExitRecord | undefined {
  const [result = '', how = '', status = ''] = (text ?? '').trim().split(' ');
  if (result === '') return undefined;
  const exitCode = how === 'exited' ? Number(status) : signalCode(status);
  const isFailure = result !== 'success';
  const reason = isFailure ? failureOf({ activeState: 'failed', result, exitCode }) : null;
  return { exitCode, reason, isFailure, isOutOfMemory: result === 'oom-kill' };
}

function signalCode(name: string): number | null {
  const number = constants.signals[`SIG${name}` as NodeJS.Signals] as number | undefined;
  return number === undefined ? null : 128 + number;
}

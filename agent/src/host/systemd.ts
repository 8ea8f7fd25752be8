/** Units of the host. What is read is asked of systemd each time; there is no cache to be wrong. */
import type { Unit, UnitProperty } from '@volt/shared/systemd';

export interface Systemd {
  /**
   * Resolves once the unit's start job is done; a running unit is left alone.
   * Throws by the job's result: DEPENDENCY when it failed, TIMEOUT when it
   * took too long, NOT_FOUND when there is no such unit.
   */
  start(unit: string, options: JobOptions): Promise<void>;

  /** Resolves once the unit is down. A stopped or unknown one succeeds. */
  stop(unit: string, options: JobOptions): Promise<void>;

  /** Sends a signal to all processes of the unit. One that does not run succeeds. */
  kill(unit: string, signal: number): Promise<void>;

  /** Holds all processes of a running unit still, or lets them go on. */
  freeze(unit: string): Promise<void>;
  thaw(unit: string): Promise<void>;

  /** Changes properties of a loaded unit at once, until the machine starts again. Either all or none. */
  setProperties(unit: string, properties: readonly UnitProperty[]): Promise<void>;

  /** Forgets that the unit failed. One that did not succeeds. */
  resetFailed(unit: string): Promise<void>;

  /** Makes systemd read a unit again if its file differs from what is loaded. Any unit's change is then read too. */
  refresh(unit: string): Promise<void>;

  /** Loaded service units by glob, in the order of their names. */
  list(patterns: readonly string[]): Promise<Unit[]>;

  /** A doorbell: yields, with no detail, soon after a unit with the prefix may have changed. Ends with the signal. */
  changes(prefix: string, signal: AbortSignal): AsyncIterable<void>;
}

export interface JobOptions {
  /** Ends the waiting, not the job. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

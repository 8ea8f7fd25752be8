/** Time as the cluster's loops see it. */
export interface Clock {
  /**
   * Milliseconds since some moment, never set back and running on while the
   * machine is suspended. For leases: two readings on one machine may be
   * compared, readings of two machines never.
   */
  monotonicMs(): number;

  /** The time of day, for people only. */
  now(): Date;

  /** Resolves after `ms`, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

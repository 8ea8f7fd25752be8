import type { BucketKeeper, Clock, Kv } from '@volt/shared/kv';
import type { Sightings } from '../cluster/index.ts';

export interface ControllerLog {
  info(message: string, fields: Record<string, unknown>): void;
  warn(message: string, fields: Record<string, unknown>): void;
}

export interface ControllerPorts {
  readonly node: string;
  /** One run of this program. */
  readonly session: string;
  readonly kv: Kv;
  readonly buckets: BucketKeeper;
  /**
   * Whether the NATS servers that are counted are those of controllers alone, and all up to date. While the first
   * node's witness is one of them, a copy may be put on it, where nothing fits.
   */
  readonly isGrown: () => Promise<boolean>;
  readonly clock: Clock;
  /** Shared with Cluster, so that the API and the decisions agree on who is lost. */
  readonly sightings: Sightings;
  readonly log: ControllerLog;
}

/** What this room needs from the rest of the agent. main.ts supplies it. */
import type { Clock, Kv } from '@volt/shared/kv';
import type { DeadMan } from './dead-man.ts';
import type { Assignment, ContainerState, HealthState, NodeRecord } from '@volt/shared/model';

/**
 * The containers of this node that the cluster asked for.
 *
 * An exclusive one runs because `ensure` started it and for no other reason:
 * not because the machine booted. After a power loss another node may have it.
 */
export interface Workloads {
  /** Every container with an assignment, running or not, read back from the host. */
  list(): Promise<Observed[]>;

  /**
   * Resolves once the instance runs as assigned. Running already: changes
   * nothing. Present and stopped or failed: starts it again. A container of
   * another generation is never there when this is called.
   */
  ensure(assignment: Assignment, signal: AbortSignal): Promise<void>;

  /** Resolves once the container and its files are gone. Removing an absent one succeeds. */
  remove(instance: string, signal: AbortSignal): Promise<void>;

  /**
   * Resolves once nothing of the instance runs, and keeps its files. Must be
   * over within FENCE_STOP_MS, killing if it has to: another node waits only
   * so long before it starts the same instance. An absent one is fine.
   */
  stop(instance: string, signal: AbortSignal): Promise<void>;
}

/** An instance as the host tells it. */
export interface Observed {
  readonly instance: string;
  readonly workload: string;
  readonly generation: number;
  readonly exclusive: boolean;
  readonly state: ContainerState;
  readonly health?: HealthState | undefined;
  readonly image: string;
  readonly address: string | null;
  readonly reason: string | null;
  readonly startedAt: string | null;
}

export interface Images {
  /**
   * Resolves once the image is in the store, from a peer if need be.
   * NOT_FOUND or NETWORK when no peer has it.
   */
  ensure(name: string, manifest: string, signal: AbortSignal): Promise<void>;
}

/** What does not change by the second: everything of NodeRecord but the lease's own lengths. */
export type NodeFacts = Omit<NodeRecord, 'leaseSeconds' | 'fenceSeconds'>;

/** Where the ledger survives a crash and a power loss. */
export interface LedgerFile {
  /** Undefined when none was ever written. */
  read(): Promise<string | undefined>;
  /** Resolves once either the whole text is durable or, on failure, nothing changed. */
  write(text: string): Promise<void>;
}

export interface ClusterLog {
  info(message: string, fields: Record<string, unknown>): void;
  warn(message: string, fields: Record<string, unknown>): void;
}

export interface ClusterNodePorts {
  readonly node: string;
  /** Of the kernel: tells one start of the machine from the next. */
  readonly bootId: string;
  readonly kv: Kv;
  readonly clock: Clock;
  readonly workloads: Workloads;
  readonly images: Images;
  readonly ledgerFile: LedgerFile;
  /** Read before each renewal of the node's record. */
  readonly facts: () => Promise<NodeFacts>;
  /** What ends exclusive instances without the agent. */
  readonly deadMan: Pick<DeadMan, 'renewed'>;
  readonly log: ClusterLog;
}

/**
 * How containers are run on this host. nspawn/ and fake.ts implement this;
 * the rest of the engine knows nothing else about them.
 *
 * A driver remembers nothing. What it reports is read from the host on every
 * call, so the agent can be killed and restarted without losing a container.
 * The engine calls it for one name at a time, for different names side by side.
 */
import type { ContainerConfig, ContainerProcess, ContainerState, ContainerUsage } from '@volt/shared/model';
import type { LogLine } from '@volt/shared/rpc';
import type { Outcome, Watching } from '../terminal/index.ts';
import type { ExecIo, ExecRequest, LogOptions } from '../engine.ts';

export interface Driver {
  /** Version of Landlock that the host's kernel has; 0 where it has none, and before `prepare`. */
  readonly landlock: number;

  /** Puts in place what all containers share. DEPENDENCY when the host lacks a program. May be repeated. */
  prepare(signal: AbortSignal): Promise<void>;

  /**
   * Writes all that the host needs to run the container without the agent.
   * May be repeated: what is right already is left alone, and one that runs is
   * not disturbed.
   */
  install(config: ContainerConfig, lower: string): Promise<void>;

  /** Resolves once its program runs or has ended well. DEPENDENCY, with its last lines, when it did not. */
  start(name: string, signal: AbortSignal): Promise<void>;

  /** Resolves once it is down; kills it when the grace is over. Stopping an absent one succeeds. */
  stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<void>;

  /** Removes all that install and start made, its files included. Must be down. An absent one is fine. */
  remove(name: string): Promise<void>;

  /** Everything on the host that belongs to a container, whole or left over, by name. */
  list(): Promise<ObservedContainer[]>;

  /** The same of one. Undefined when the host knows nothing of it. */
  observe(name: string): Promise<ObservedContainer | undefined>;

  /** What this container printed, or with `earlier` whatever had its name. */
  logs(config: ContainerConfig, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;

  /** Resolves with the program's exit code. CONFLICT when the container does not run. */
  exec(config: ContainerConfig, request: ExecRequest, io: ExecIo, signal: AbortSignal): Promise<number>;

  /** A doorbell, with no detail. Ends when the signal fires. */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

/** Of containers with a terminal or open input: staying with their program. */
export interface Watched {
  /** The next start does not let its program begin before `watch`. */
  expectWatcher(name: string): Promise<void>;

  /** What its program prints and is sent, until that has ended or the caller left. CONFLICT where it cannot be had. */
  watch(name: string, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<Outcome>;
}

/** Of containers that are there: to reach their program, to hold it still, to change what they are. */
export interface Reach {
  /** Sends a signal to its program. KILL resolves once it is down, and it stays so. */
  kill(name: string, signalName: string, signal: AbortSignal): Promise<void>;
  /** Ends its program as a failure, for which its restart policy is. */
  fail(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Forgets the old name of one that is down, once its folder has the new one. `install` is called after. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the limits of its spec hold at once. What is wrong with them changes nothing. */
  limit(config: ContainerConfig): Promise<void>;
  /** Of one that runs: makes what `install` has written hold where it can. */
  reread(name: string): Promise<void>;
}

/** What containers are doing. */
export interface Gauges {
  /** CONFLICT when the container does not run. */
  processes(config: ContainerConfig): Promise<ContainerProcess[]>;
  /** The controllers whose limits hold on this host. */
  controllers(): Promise<ReadonlySet<string>>;
  /** Of all that run, by name. */
  usage(): Promise<ContainerUsage[]>;
}

/** One container as the host tells it. */
export interface ObservedContainer {
  readonly name: string;
  readonly state: ContainerState;
  readonly pid: number | null;
  readonly exitCode: number | null;
  readonly reason: string | null;
  /** Its last run was ended by the kernel because its memory had run out. */
  readonly isOutOfMemory: boolean;
  readonly restarts: number;
  readonly startedAt: string | null;
}

/**
 * What can be told of this machine while its agent is down. Workloads are
 * systemd units, so systemd and the journal know most of what people ask for.
 */
import type { LogLine } from '@volt/shared/rpc';
import type { ContainerLogs } from '@volt/shared/systemd';

export interface LogQuery extends LogWindow {
  readonly name: string;
}

/** Which of the lines that a container printed, with the defaults of the agent's method. */
export type LogWindow = ContainerLogs;

export interface Offline {
  /** By method: what systemd says in place of the agent. Methods that are not here have to wait for it. */
  readonly answers: Readonly<Record<string, ((params: object) => Promise<unknown>) | undefined>>;

  /** Ends after the last line, or with `follow` when the signal fires. NOT_FOUND when there is no such container. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}

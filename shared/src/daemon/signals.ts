import type { PendingCalls } from '../server/index.ts';
import type { DaemonLog } from './log.ts';

/** What each signal of the specification means to a daemon. */
export interface SignalActions {
  readonly stop: (signal: NodeJS.Signals) => void;
  readonly reload: () => void;
  readonly rotate: () => void;
  readonly dump: () => void;
}

const meanings: readonly (readonly [NodeJS.Signals, (actions: SignalActions) => void])[] = [
  ['SIGTERM', (actions) => actions.stop('SIGTERM')],
  ['SIGINT', (actions) => actions.stop('SIGINT')],
  ['SIGHUP', (actions) => actions.reload()],
  ['SIGUSR1', (actions) => actions.dump()],
  ['SIGUSR2', (actions) => actions.rotate()],
];

/** Starts listening for signals; the returned function stops it. */
export function onSignals(actions: SignalActions): () => void {
  const listeners = meanings.map(([name, act]) => [name, () => act(actions)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}

/**
 * What the process is busy with, for somebody who finds it stuck: the calls it
 * has not answered, the handles that keep it alive, and its JavaScript stack.
 */
export function dump(log: DaemonLog, pending: PendingCalls): void {
  const now = Date.now();
  const calls = pending.list().map((call) => ({ method: call.method, caller: call.caller, ageMs: now - call.since }));
  const report = process.report.getReport() as { javascriptStack?: { stack?: string[] }; libuv?: LibuvHandle[] };
  const handles = (report.libuv ?? []).filter((handle) => handle.is_active === true);
  log.warn(
    {
      calls,
      handles: handles.map(describeHandle),
      resources: countEach(process.getActiveResourcesInfo()),
      stack: report.javascriptStack?.stack ?? [],
      memory: process.memoryUsage(),
    },
    'State of the process, as asked for by SIGUSR1',
  );
}

interface LibuvHandle {
  readonly type?: string;
  readonly is_active?: boolean;
  readonly fd?: number;
  readonly localEndpoint?: { host?: string; port?: number } | null;
  readonly remoteEndpoint?: { host?: string; port?: number } | null;
  readonly firesInMsFromNow?: number;
}

function describeHandle(handle: LibuvHandle): string {
  const end = (point: LibuvHandle['localEndpoint']) => (point ? ` ${point.host ?? ''}:${point.port ?? ''}` : '');
  const fires = handle.firesInMsFromNow === undefined ? '' : ` fires in ${Math.round(handle.firesInMsFromNow)} ms`;
  return `${handle.type ?? 'unknown'}${end(handle.localEndpoint)}${end(handle.remoteEndpoint)}${fires}`;
}

function countEach(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

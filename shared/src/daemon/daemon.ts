/** What every daemon has: settings, a log, an audit trail, the calls under way, and signals that steer them. */
import { AuditTrail, PendingCalls } from '../server/index.ts';
import { openLog, type DaemonLog } from './log.ts';
import { CONFIG_PATH, loadSettings, needRestart, type Settings } from './settings.ts';
import { dump, onSignals } from './signals.ts';

export interface DaemonPaths {
  readonly log: string;
  readonly audit: string;
  readonly settings?: string | undefined;
}

export interface Daemon {
  /** As of the start. Only the log's level follows later changes. */
  readonly settings: Settings;
  readonly log: DaemonLog;
  readonly audit: AuditTrail;
  readonly pending: PendingCalls;
  /** Fires when somebody tells the daemon to stop, or it decides to. */
  readonly stop: AbortController;
  /** Resolves when `stop` has fired. */
  readonly stopped: Promise<void>;
  /** Waits for the calls under way. Those that have not ended in DRAIN_MS are given up. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_MS = 5000;

/** Listens for signals from here to close(). Throws INVALID_CONFIG, and has opened nothing then. */
export function openDaemon(paths: DaemonPaths): Daemon {
  const settingsPath = paths.settings ?? process.env['VOLT_CONFIG'] ?? CONFIG_PATH;
  const atStart = loadSettings(settingsPath);
  let latest = atStart;
  const log = openLog(paths.log, atStart['log.level']);
  const audit = new AuditTrail(paths.audit);
  const pending = new PendingCalls();
  const stop = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  stop.signal.addEventListener('abort', () => resolve());
  const unhook = onSignals({
    stop: () => stop.abort(),
    reload: () => {
      latest = reload(settingsPath, latest, log);
    },
    rotate: () => {
      log.reopen();
      audit.close().catch((err: unknown) => log.error({ err }, 'The audit trail could not be closed'));
    },
    dump: () => dump(log, pending),
  });
  return {
    settings: atStart,
    log,
    audit,
    pending,
    stop,
    stopped,
    drain: () => pending.drain(DRAIN_MS),
    close: async () => {
      await audit.close();
      unhook();
      log.flush();
    },
  };
}

function reload(path: string, before: Settings, log: DaemonLog): Settings {
  try {
    const after = loadSettings(path);
    log.setLevel(after['log.level']);
    const waiting = needRestart(before, after);
    if (waiting.length > 0) log.warn({ settings: waiting }, 'These settings hold from the next start');
    return after;
  } catch (err) {
    log.error({ err }, 'The settings are wrong; the old ones stay');
    return before;
  }
}

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import type { Log } from '../server/index.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The operational log of a daemon: JSON lines in a file, warnings and errors in the journal as well. */
export interface DaemonLog extends Log {
  setLevel(level: LogLevel): void;
  /** Opens the file anew, after somebody has renamed it. */
  reopen(): void;
  /** Writes what is still in memory. */
  flush(): void;
}

export function openLog(path: string, level: LogLevel): DaemonLog {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const file = pino.destination({ dest: path, append: true, sync: true, mode: 0o640 });
  const journal = pino.destination({ dest: 2, sync: true });
  const streams = pino.multistream([
    { level: 'debug', stream: file },
    { level: 'warn', stream: journal },
  ]);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'msg',
      // A word, as other tools that read logs expect it.
      formatters: { level: (label) => ({ level: label }) },
    },
    streams,
  );
  return {
    debug: (fields, sentence) => logger.debug(fields, sentence),
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
    setLevel: (next) => {
      logger.level = next;
    },
    reopen: () => file.reopen(),
    flush: () => file.flushSync(),
  };
}

/** The log as rooms know it that need to know no more: what happened, then with what. */
export const sentenceFirst = (log: Log) => ({
  info: (sentence: string, fields: Record<string, unknown>): void => log.info(fields, sentence),
  warn: (sentence: string, fields: Record<string, unknown>): void => log.warn(fields, sentence),
});

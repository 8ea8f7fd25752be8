/**
 * The audit trail: one JSON line for each attempt to change something, allowed
 * or refused, on disk before the caller hears of it.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toVoltError, VoltError } from '../errors/index.ts';
import type { Attempt } from '../rpc/index.ts';
import type { Caller } from './caller.ts';

export interface AuditLine {
  readonly timestamp: string;
  readonly user: string;
  readonly uid: number | null;
  readonly action: string;
  readonly resource: string | null;
  readonly result: 'success' | 'failure' | 'refused';
  /** The error's code, when there was one. */
  readonly code?: string;
}

/** Lines that may wait for the disk. More than this and callers wait as well. */
const WAITING_MAX = 1024;

export class AuditTrail {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;
  #waiting: { text: string; settle: (error?: unknown) => void }[] = [];
  #writing: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Runs `work` and writes how it ended. Fails closed: when the trail cannot be
   * opened the work is not done, and when the line cannot be written the caller
   * is told so even though the work was.
   */
  async record<T>(caller: Caller, attempt: Attempt, work: () => Promise<T>): Promise<T> {
    if (attempt.action === 'none') return work();
    await this.#ready();
    try {
      const result = await work();
      await this.#append(line(caller, attempt, 'success'));
      return result;
    } catch (thrown) {
      const { code } = toVoltError(thrown);
      await this.#append(line(caller, attempt, code === 'PERMISSION' ? 'refused' : 'failure', code));
      throw thrown;
    }
  }

  /** The next line opens the file again, under whatever name it has by then: for log rotation, and for the end. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    const opened = this.#file;
    this.#file = undefined;
    const file = await opened?.catch(() => undefined);
    await file?.close();
  }

  async #ready(): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) await this.#writing;
    try {
      await this.#opened();
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
  }

  /** Opened once, whoever asks meanwhile; a file that could not be opened is tried again by the next line. */
  #opened(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    const file = openToAppend(this.#path);
    this.#file = file;
    file.catch(() => {
      if (this.#file === file) this.#file = undefined;
    });
    return file;
  }

  #append(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (cause?: unknown) => (cause === undefined ? resolve() : reject(unwritable(this.#path, cause)));
      this.#waiting.push({ text, settle });
      this.#writing ??= this.#flush().finally(() => (this.#writing = undefined));
    });
  }

  /** Lines that come while the disk is busy share the next write and its fsync. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const file = await this.#opened();
        await file.appendFile(batch.map(({ text }) => text).join(''));
        await file.datasync();
        for (const { settle } of batch) settle();
      } catch (cause) {
        for (const { settle } of batch) settle(cause);
      }
    }
  }
}

async function openToAppend(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  return open(path, 'a', 0o640);
}

function line(caller: Caller, attempt: Attempt, result: AuditLine['result'], code?: string): string {
  const written: AuditLine = {
    timestamp: new Date().toISOString(),
    user: caller.name,
    uid: caller.uid,
    action: attempt.action,
    resource: attempt.resource,
    result,
    ...(code === undefined ? {} : { code }),
  };
  return `${JSON.stringify(written)}\n`;
}

const unwritable = (path: string, cause: unknown) =>
  new VoltError('RESOURCE', `The audit trail '${path}' cannot be written`, {
    cause,
    hint: 'make room on its file system; nothing may change without a trace',
  });

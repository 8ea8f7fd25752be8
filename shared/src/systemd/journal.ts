/** What units printed, read through journalctl, which knows every journal format and rotation. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { VoltError } from '../errors/index.ts';

export interface JournalQuery {
  readonly unit: string;
  /** Keep reading as it prints, until the signal fires. */
  readonly follow: boolean;
  /** How many of the last lines to begin with. */
  readonly tail: number;
  /** Only lines at or after this, in milliseconds of Unix time. */
  readonly sinceMs?: number | undefined;
  /** Only what the unit's processes printed, without systemd's own words about it. */
  readonly onlyOutput?: boolean | undefined;
}

export interface JournalLine {
  readonly at: Date;
  readonly unit: string;
  readonly text: string;
}

export interface JournalOptions {
  /** Command and leading arguments; another root or machine is reached by more arguments. */
  readonly journalctl?: readonly string[];
}

/** A longer line is cut here, so that one line cannot fill the memory of a reader. */
export const JOURNAL_TEXT_MAX = 64 * 1024;

const STDERR_MAX = 4096;

/** Lines in the order they were printed. Ends after the last one, or with `follow` when the signal fires. */
export async function* journal(
  query: JournalQuery,
  signal: AbortSignal,
  { journalctl = ['journalctl'] }: JournalOptions = {},
): AsyncGenerator<JournalLine> {
  if (signal.aborted) return;
  const [program = 'journalctl', ...leading] = journalctl;
  const child = spawn(program, [...leading, ...journalArguments(query)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = endOf(child);
  const stop = () => void child.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const entry = parseEntry(line, query.unit);
      if (entry !== undefined) yield entry;
      if (signal.aborted) return;
    }
    const failure = await ended;
    if (failure !== undefined && !signal.aborted) throw failure;
  } finally {
    signal.removeEventListener('abort', stop);
    child.stdout.destroy();
    child.kill();
    await ended;
  }
}

export function journalArguments({ unit, follow, tail, sinceMs, onlyOutput = true }: JournalQuery): string[] {
  const match = onlyOutput ? [`_SYSTEMD_UNIT=${unit}`] : [`_SYSTEMD_UNIT=${unit}`, '+', `UNIT=${unit}`, '_PID=1'];
  return [
    '--output=json',
    '--output-fields=MESSAGE,_SYSTEMD_UNIT',
    '--all',
    '--quiet',
    '--no-pager',
    `--lines=${tail}`,
    ...(follow ? ['--follow'] : []),
    ...(sinceMs === undefined ? [] : [`--since=@${(sinceMs / 1000).toFixed(3)}`]),
    ...match,
  ];
}

/** One line of `-o json`. A message that is not text comes as an array of bytes; a field given twice as an array. */
export function parseEntry(line: string, unit: string): JournalLine | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const text = textOf(fields['MESSAGE']);
  const microseconds = Number(fields['__REALTIME_TIMESTAMP']);
  if (text === undefined || !Number.isFinite(microseconds)) return undefined;
  const from = fields['_SYSTEMD_UNIT'];
  return {
    at: new Date(Math.floor(microseconds / 1000)),
    unit: typeof from === 'string' && from !== 'init.scope' ? from : unit,
    text: text.slice(0, JOURNAL_TEXT_MAX),
  };
}

function textOf(message: unknown): string | undefined {
  if (typeof message === 'string') return message;
  if (!Array.isArray(message)) return undefined;
  if (message.every((byte) => typeof byte === 'number')) return Buffer.from(message).toString('utf8');
  return textOf(message[0]);
}

/** Resolves when the child has ended: with nothing when all went well, else with what to throw. */
function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<VoltError | undefined> {
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < STDERR_MAX) complaint += text;
  });
  const { promise, resolve } = Promise.withResolvers<VoltError | undefined>();
  child.once('error', (cause: NodeJS.ErrnoException) => {
    const text = cause.code === 'ENOENT' ? 'journalctl is not installed' : 'journalctl could not be run';
    resolve(new VoltError('DEPENDENCY', text, { cause }));
  });
  child.once('close', (code) => {
    const reason = complaint.trim().split('\n').at(-1);
    resolve(code === 0 || code === null ? undefined : new VoltError('DEPENDENCY', `journalctl ended: ${reason}`));
  });
  return promise;
}

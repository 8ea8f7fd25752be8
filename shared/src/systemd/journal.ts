/** What units printed, read through journalctl, which knows every journal format and rotation. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { VoltError } from '../errors/index.ts';

export interface JournalQuery {
  readonly unit: string;
  /** Keep reading as it prints, until the signal fires. */
  readonly follow: boolean;
  /** How many of the last lines to begin with; all of them when it is left out. */
  readonly tail?: number | undefined;
  /** Only lines at or after this, in milliseconds of Unix time. */
  readonly sinceMs?: number | undefined;
  /** Only lines at or before this. */
  readonly untilMs?: number | undefined;
  /** Only lines in which this regular expression, of PCRE2, is found. USAGE when it cannot be read. */
  readonly grep?: string | undefined;
  /** Only lines with this value in the field that LogExtraFields= of their unit set. */
  readonly mark?: string | undefined;
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

/** The field of what a container printed that tells it from earlier ones of its name. */
export const MARK_FIELD = 'VOLT_CONTAINER';

/** Lines in the order they were printed. Ends after the last one, or with `follow` when the signal fires. */
export async function* journal(
  query: JournalQuery,
  signal: AbortSignal,
  { journalctl = ['journalctl'] }: JournalOptions = {},
): AsyncGenerator<JournalLine> {
  const cursor = isCountedInPart(query) ? await beginning(query, signal, journalctl) : undefined;
  for await (const line of run([...journalctl, ...journalArguments(query, cursor)], query, signal)) {
    const entry = parseEntry(line, query.unit);
    if (entry !== undefined) yield entry;
  }
}

/**
 * journalctl counts lines before it looks which are wanted, and counts from either end, as its version will have it.
 * Read backwards all versions agree, so the last lines of a part are found first: where they begin.
 */
const isCountedInPart = ({ tail = 0, sinceMs, untilMs, grep }: JournalQuery): boolean =>
  tail > 0 && (sinceMs !== undefined || untilMs !== undefined || grep !== undefined);

async function beginning(
  query: JournalQuery,
  signal: AbortSignal,
  journalctl: readonly string[],
): Promise<string | undefined> {
  let last: string | undefined;
  const argv = [...journalctl, '--reverse', ...journalArguments({ ...query, follow: false })];
  for await (const line of run(argv, query, signal)) last = line;
  return last === undefined ? undefined : cursorOf(last);
}

/** Lines of its output. A reader that is slow holds the program back; few lines wait in between. */
async function* run(
  [program = 'journalctl', ...args]: readonly string[],
  { grep }: JournalQuery,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (signal.aborted) return;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = endOf(child, grep);
  const stop = () => void child.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      yield line;
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

/** With a cursor all lines from there on, however many were asked for. */
export function journalArguments(query: JournalQuery, cursor?: string): string[] {
  const { unit, follow, tail, sinceMs, untilMs, grep, mark, onlyOutput = true } = query;
  const own = [`_SYSTEMD_UNIT=${unit}`, ...(mark === undefined ? [] : [`${MARK_FIELD}=${mark}`])];
  const isCounted = cursor === undefined && tail !== undefined && !(follow && isCountedInPart(query));
  return [
    '--output=json',
    '--output-fields=MESSAGE,_SYSTEMD_UNIT',
    '--all',
    '--quiet',
    '--no-pager',
    `--lines=${isCounted ? tail : 'all'}`,
    ...(follow ? ['--follow'] : []),
    // journalctl begins at one of the two.
    ...(sinceMs === undefined || cursor !== undefined ? [] : [`--since=@${(sinceMs / 1000).toFixed(3)}`]),
    ...(untilMs === undefined ? [] : [`--until=@${(untilMs / 1000).toFixed(3)}`]),
    ...(grep === undefined ? [] : [`--grep=${grep}`, '--case-sensitive=yes']),
    ...(cursor === undefined ? [] : [`--cursor=${cursor}`]),
    ...(onlyOutput ? own : [...own, '+', `UNIT=${unit}`, '_PID=1']),
  ];
}

function cursorOf(line: string): string | undefined {
  try {
    const cursor = (JSON.parse(line) as Record<string, unknown>)['__CURSOR'];
    return typeof cursor === 'string' ? cursor : undefined;
  } catch {
    return undefined;
  }
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
function endOf(
  child: ChildProcessByStdio<null, Readable, Readable>,
  grep: string | undefined,
): Promise<VoltError | undefined> {
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
    // A pattern that is found nowhere is 1 as well, without a word.
    const isGood = code === 0 || code === null || (code === 1 && grep !== undefined && complaint === '');
    resolve(isGood ? undefined : failure(complaint.trim(), grep));
  });
  return promise;
}

function failure(complaint: string, grep: string | undefined): VoltError {
  const bad = grep === undefined ? null : /^Bad pattern ".*": (.*)$/s.exec(complaint);
  if (bad !== null) return new VoltError('USAGE', `The pattern '${grep}' cannot be read: ${bad[1]}`);
  return new VoltError('DEPENDENCY', `journalctl ended: ${complaint.split('\n').at(-1)}`);
}

/** This terminal, or what is piped through us, joined to a program elsewhere: for exec, shell, attach and run. */
import { VoltError } from '@volt/shared/errors';
import type { ExecInput, ExecOutput } from '@volt/shared/rpc';
import * as z from 'zod';
import type { Session } from '../session/index.ts';
import { DETACH_KEYS, DetachWatch, parseKeys, type Terminal } from '../terminal/index.ts';

type Input = z.output<typeof ExecInput>;

/** How long a leave may take where the program does not read what was typed before. */
const LEAVE_TIMEOUT_MS = 2000;

export const detachKeys = () =>
  z
    .string()
    .max(80)
    .default(DETACH_KEYS)
    .describe('Keys that leave it to itself, one after the other; none when empty.');

export interface Join {
  /** The program is on a terminal, and so are we: keys go through as they are. */
  readonly isRaw: boolean;
  readonly passesInput: boolean;
  readonly detachKeys: string;
}

export interface JoinedOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: z.output<typeof ExecOutput>) => Promise<void>;
  readonly input?: AsyncIterable<Input>;
}

export type Size = { readonly columns?: number; readonly rows?: number };

/** Throws USAGE where there is no terminal to give. */
export function requireTerminal({ stdin }: Terminal): void {
  if (stdin.isTerminal) return;
  throw new VoltError('USAGE', "'--tty' needs a terminal, and standard input is none", { hint: 'leave out -t' });
}

/**
 * Resolves with the exit code of what `start` started, or undefined when it was left running. The terminal is as it
 * was, whatever happens.
 */
export async function joined(
  session: Session,
  join: Join,
  start: (size: Size, options: JoinedOptions) => Promise<{ exitCode: number }>,
): Promise<number | undefined> {
  const { terminal } = session;
  const detaching = parseKeys(join.detachKeys);
  const keys = new DetachWatch(join.isRaw ? detaching : parseKeys(''));
  const late = new AbortController();
  let isLeft = false;
  const onLeave = () => {
    isLeft = true;
    setTimeout(() => late.abort(), LEAVE_TIMEOUT_MS).unref();
  };
  const input = join.passesInput ? inputOf(terminal, { isRaw: join.isRaw, keys, onLeave }) : undefined;
  const restore = join.isRaw ? terminal.stdin.makeRaw() : () => {};
  const onEvent = (event: z.output<typeof ExecOutput>) => write(event, terminal);
  try {
    const signal = AbortSignal.any([session.signal, late.signal]);
    const options = { signal, onEvent, ...(input === undefined ? {} : { input: input.items() }) };
    const { exitCode } = await start(join.isRaw ? sizeOf(terminal) : {}, options);
    return isLeft ? undefined : exitCode;
  } catch (thrown) {
    if (!isLeft || session.signal.aborted) throw thrown;
    return undefined;
  } finally {
    restore();
    input?.stop();
  }
}

/** The exit code, or a word that what was left goes on. */
export async function endOf(code: number | undefined, what: string, session: Session): Promise<number> {
  if (code !== undefined) return code;
  await session.note(`\nLeft: ${what} goes on.`);
  return 0;
}

const write = ({ stream, data }: z.output<typeof ExecOutput>, terminal: Terminal) =>
  (stream === 'stdout' ? terminal.stdout : terminal.stderr).write(Buffer.from(data, 'base64'));

function sizeOf({ stdout }: Terminal): Size {
  const columns = stdout.columns();
  const rows = stdout.rows();
  // A terminal that has not been given a size says that it has none.
  return columns === undefined || rows === undefined || columns < 1 || rows < 1 ? {} : { columns, rows };
}

interface Typing {
  readonly isRaw: boolean;
  readonly keys: DetachWatch;
  readonly onLeave: () => void;
}

/**
 * What the terminal sends: bytes as they come, and its size when that changes.
 * At most one chunk is held, and of several changes of size the last.
 */
function inputOf(terminal: Terminal, { isRaw, keys, onLeave }: Typing) {
  let close = () => {};

  async function* items(): AsyncGenerator<Input> {
    const stdin = terminal.stdin.stream();
    let resized = Promise.withResolvers<'resized'>();
    const stopWatching = isRaw ? terminal.onResize(() => resized.resolve('resized')) : () => {};
    close = () => {
      stopWatching();
      // A pending read would keep the process alive.
      stdin.destroy();
    };
    const chunks = stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    let next = read(chunks);
    for (;;) {
      const turn = await Promise.race([next, resized.promise]);
      if (turn === 'resized') {
        resized = Promise.withResolvers();
        const { columns, rows } = sizeOf(terminal);
        if (columns !== undefined && rows !== undefined) yield { kind: 'resize', columns, rows };
        continue;
      }
      if (turn.done === true) break;
      const { data, isLeaving } = keys.take(turn.value);
      if (data.length > 0) yield { kind: 'stdin', data: Buffer.from(data).toString('base64') };
      if (isLeaving) {
        onLeave();
        yield { kind: 'detach' };
        return;
      }
      next = read(chunks);
    }
    stopWatching();
    yield { kind: 'eof' };
  }

  return { items, stop: () => close() };
}

/** Closing the source while nobody waits for this read is no error. */
function read(chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
  const next = chunks.next();
  next.catch(() => {});
  return next;
}

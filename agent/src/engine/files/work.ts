/** Running `enter --files`, and what its ends mean. */
import { VoltError, type ErrorCode } from '@volt/shared/errors';
import type { OpenProgram } from '../../host/index.ts';
import { ByteReader, fromText, shown } from '../../store/index.ts';
import { CUT_SHORT } from './records.ts';

/** As agent/enter/files.h and enter.c end. */
const codes: Readonly<Record<number, ErrorCode>> = {
  10: 'NOT_FOUND',
  11: 'PERMISSION',
  12: 'CONFLICT',
  13: 'RESOURCE',
};

const STDERR_CHARS_MAX = 4096;

/** How long it has to clear away what it has half made. */
const GRACE_MS = 2000;

/** Reads what it writes with `read`, to its end. Throws what it died of, where it did. */
export async function* reading<T>(
  open: () => Promise<OpenProgram>,
  signal: AbortSignal,
  read: (reader: ByteReader) => AsyncIterable<T>,
  input: readonly Uint8Array[] = [],
): AsyncGenerator<T> {
  signal.throwIfAborted();
  const program = await open();
  // While it is read: it writes before it has been given all.
  void given(program, input);
  const kill = () => void program.kill();
  signal.addEventListener('abort', kill, { once: true });
  const complaint = gathered(program.stderr);
  let isWhole = false;
  try {
    const reader = new ByteReader(program.stdout);
    // Nothing that is wrong with what was read says more than the reason why it ended.
    yield* orElse(read(reader), async () => throwEnd(await program.exitCode, await complaint, signal));
    await reader.drain();
    isWhole = true;
    throwEnd(await program.exitCode, await complaint, signal);
  } finally {
    signal.removeEventListener('abort', kill);
    if (!isWhole) await program.kill();
  }
}

async function given(program: OpenProgram, input: readonly Uint8Array[]): Promise<void> {
  for (const chunk of input) await program.write(chunk);
  program.end();
}

async function* orElse<T>(items: AsyncIterable<T>, explain: () => Promise<void>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (thrown) {
    if (thrown instanceof VoltError && thrown.cause === CUT_SHORT) await explain();
    throw thrown;
  }
}

/** Writes all of `input`; resolves when it has done its work. What it died of is thrown, also while there is more. */
export async function writing(
  open: () => Promise<OpenProgram>,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const program = await open();
  const output = gathered(program.stdout);
  const complaint = gathered(program.stderr);
  let code: number | undefined;
  const ended = program.exitCode.then((value) => (code = value));
  const stop = () => void endSoon(program);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) {
      signal.throwIfAborted();
      if (code !== undefined) break;
      await Promise.race([program.write(chunk), ended]);
    }
    program.end();
    throwEnd(await ended, await complaint, signal);
  } finally {
    signal.removeEventListener('abort', stop);
    if (code === undefined) await endSoon(program);
    await output;
  }
}

/** Its input ends, at which it clears away what is half made; one that hangs is killed. */
async function endSoon(program: OpenProgram): Promise<void> {
  program.end();
  const timer = setTimeout(() => void program.kill(), GRACE_MS);
  await program.exitCode;
  clearTimeout(timer);
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of stream) if (text.length < STDERR_CHARS_MAX) text += Buffer.from(chunk).toString('utf8');
  return text.slice(0, STDERR_CHARS_MAX);
}

function throwEnd(code: number, complaint: string, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (code === 0) return;
  if (code >= 128) throw new VoltError('CONFLICT', 'The container ended while its files were copied');
  const said = complaint.trim().split('\n').at(-1) ?? '';
  const line = shown(fromText(said.replace(/^volt: /, '').slice(0, 500)));
  throw new VoltError(codes[code] ?? 'DEPENDENCY', line === '' ? `Work on files ended with ${code}` : sentence(line));
}

const sentence = (line: string): string => `Cannot ${line}`;

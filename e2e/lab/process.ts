/** Runs programs on the host: argument vectors only, bounded output, a deadline. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { VoltError } from '@volt/shared/errors';

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
const DEADLINE_MS = 60_000;

/** How a program ended. Death by a signal counts as 128 plus its number, as in a shell. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array | undefined;
  /** The whole environment; the caller's own if left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly timeoutMs?: number | undefined;
  /** What a message calls it; the whole command if left out. */
  readonly label?: string | undefined;
  /** Called instead of SIGKILL when the deadline passes, if the child alone is not all there is to end. */
  readonly kill?: (() => void) | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Resolves with the outcome whatever the exit code. Rejects if it cannot be started or runs out of time. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? DEADLINE_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] });
    const end = options.kill ?? (() => child.kill('SIGKILL'));
    let overrun: VoltError | undefined;
    const stop = (error: VoltError) => {
      overrun ??= error;
      end();
    };
    const stdout = collect(child.stdout, options.onLine, () =>
      stop(new VoltError('RESOURCE', `'${program}' wrote more than ${OUTPUT_BYTES_MAX} bytes`)),
    );
    const stderr = collect(child.stderr, options.onLine, () =>
      stop(new VoltError('RESOURCE', `'${program}' wrote more than ${OUTPUT_BYTES_MAX} bytes`)),
    );
    const timer = setTimeout(() => {
      stop(new VoltError('TIMEOUT', `'${options.label ?? argv.join(' ')}' took longer than ${timeoutMs} ms`));
      // A grandchild that left may hold the pipes open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);

    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new VoltError('DEPENDENCY', `Cannot run '${program}'`, { cause }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (overrun !== undefined) reject(overrun);
      else resolve({ code: exitStatus(code, signal), stdout: stdout(), stderr: stderr() });
    });
    // A program may end without reading its input; how it ended is what counts.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Like `run`, and rejects unless the program succeeds. */
export async function mustRun(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (outcome.code === 0) return outcome;
  const said = outcome.stderr.trim() || outcome.stdout.trim();
  throw new VoltError('DEPENDENCY', `'${argv.join(' ')}' exited with ${outcome.code}: ${lastLines(said, 20)}`);
}

export function lastLines(text: string, count: number): string {
  return text.split('\n').slice(-count).join('\n');
}

export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

function collect(stream: NodeJS.ReadableStream, onLine: RunOptions['onLine'], overflow: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > OUTPUT_BYTES_MAX) return overflow();
    chunks.push(chunk);
    if (onLine === undefined) return;
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  return () => Buffer.concat(chunks).toString();
}

interface DetachedOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly log: string;
}

/** Starts a process that outlives this one; its output goes to `log`. */
export function spawnDetached(argv: readonly string[], options: DetachedOptions): ChildProcess {
  const [program = '', ...args] = argv;
  const log = openSync(options.log, 'w', 0o600);
  try {
    const child = spawn(program, args, { env: options.env, stdio: ['ignore', log, log], detached: true });
    // Not being there shows as an exit code of null and a message; callers see that it is not running.
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

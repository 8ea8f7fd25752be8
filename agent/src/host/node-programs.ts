import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { VoltError } from '@volt/shared/errors';
import {
  OUTPUT_BYTES_MAX,
  RUN_TIMEOUT_MS,
  STDERR_BYTES_MAX,
  type OpenOptions,
  type OpenProgram,
  type Programs,
  type RunOptions,
  type RunResult,
} from './programs.ts';

const plainEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** Programs as children of this process. */
export class NodePrograms implements Programs {
  async run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    const { signal, timeoutMs = RUN_TIMEOUT_MS, env = plainEnv, input = '' } = options;
    signal.throwIfAborted();
    const child = await started(argv, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const stopped = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const stop = () => void child.kill('SIGKILL');
    stopped.addEventListener('abort', stop, { once: true });
    const output = {
      stdout: keep(child.stdout!, OUTPUT_BYTES_MAX, 'first'),
      stderr: keep(child.stderr!, STDERR_BYTES_MAX, 'last'),
    };
    // A program that does not read its input closes the pipe; its exit code tells more than EPIPE.
    child.stdin!.on('error', () => undefined).end(input);
    const code = await endOf(child);
    stopped.removeEventListener('abort', stop);
    signal.throwIfAborted();
    if (stopped.aborted) throw new VoltError('TIMEOUT', `'${argv[0]}' did not end within ${timeoutMs / 1000} s`);
    return { code, stdout: output.stdout(), stderr: output.stderr() };
  }

  async open(argv: readonly string[], { env = plainEnv }: OpenOptions): Promise<OpenProgram> {
    const child = await started(argv, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const stdin = child.stdin!.on('error', () => undefined);
    return {
      pid: child.pid!,
      stdout: child.stdout!,
      stderr: child.stderr!,
      write: (data) => written(stdin, data),
      end: () => void stdin.end(),
      release: () => {
        stdin.end();
        child.stdout!.destroy();
        child.stderr!.destroy();
        child.unref();
      },
      kill: () => killTree(child),
      exitCode: endOf(child),
    };
  }
}

async function started(argv: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, options);
  try {
    await once(child, 'spawn');
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
    throw new VoltError('DEPENDENCY', `'${program}' ${missing ? 'is not installed' : 'could not be run'}`, {
      cause: thrown,
    });
  }
  child.on('error', () => undefined);
  return child;
}

function endOf(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  return promise;
}

async function written(stream: Writable, data: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded || stream.write(data)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const event of ['drain', 'close', 'error']) stream.once(event, () => resolve());
  await promise;
}

/** More than a program that is worth ending has below it. */
const DESCENDANTS_MAX = 1024;
/** For what was written before it was killed. */
const OUTPUT_MS_MAX = 1000;

/**
 * Children first: a parent such as nsenter only waits for its child, and would leave it running. Each is halted
 * before its children are looked for, or it would go on to its next step when they have gone.
 */
async function killTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGSTOP');
  const below = await childrenOf(child.pid);
  for (const pid of below) {
    kill(pid, 'SIGSTOP');
    if (below.length < DESCENDANTS_MAX) below.push(...(await childrenOf(pid)));
  }
  for (const pid of below.toReversed()) kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  // One that is nobody's child any more may keep its output open.
  const late = setTimeout(() => [child.stdout, child.stderr].forEach((output) => output?.destroy()), OUTPUT_MS_MAX);
  child.once('close', () => clearTimeout(late));
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

function keep(stream: Readable, bytesMax: number, which: 'first' | 'last'): () => string {
  let kept = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    if (which === 'first' && kept.length >= bytesMax) return;
    const all = Buffer.concat([kept, chunk]);
    kept = which === 'first' ? all.subarray(0, bytesMax) : all.subarray(-bytesMax);
  });
  return () => kept.toString('utf8');
}

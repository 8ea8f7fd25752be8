/**
 * A program inside a running container: into its cgroup, so that its limits
 * hold; into its namespaces; then through the same helper, with the same
 * policy, as the container's own program.
 */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';
import type { OpenProgram, Programs } from '../../../host/index.ts';
import type { ExecIo, ExecRequest } from '../../engine.ts';
import { relay } from '../../terminal/index.ts';
import { enterArguments } from './enter.ts';
import { isForHostPrograms } from './environment.ts';
import type { Paths } from './paths.ts';

/** Moves itself into the cgroups given first, then becomes the rest. The exec keeps process and number. */
const JOIN = `n=$1; shift
while [ "$n" -gt 0 ]; do
  [ ! -e "$1/cgroup.procs" ] || echo $$ > "$1/cgroup.procs" || exit 126
  shift; n=$((n - 1))
done
exec "$@"`;

export interface Leader {
  readonly pid: number;
  readonly cgroups: readonly string[];
}

export function execArguments(
  config: ContainerConfig,
  leader: Leader,
  { command, tty }: Pick<ExecRequest, 'command' | 'tty'>,
  { lib }: Pick<Paths, 'lib'>,
): string[] {
  return [
    '/bin/sh',
    '-c',
    JOIN,
    'sh',
    String(leader.cgroups.length),
    ...leader.cgroups,
    ...(tty ? [`${lib}/console`, 'exec'] : []),
    ...withUlimits(config),
    '/usr/bin/nsenter',
    `--target=${leader.pid}`,
    '--all',
    '--',
    ...enterArguments(config, { isFromOutside: true, makesTerminal: tty }),
    ...command,
  ];
}

/** The limits of each process, which nspawn gives to those that it starts. */
function withUlimits({ spec: { ulimits = [] } }: ContainerConfig): string[] {
  return ulimits.length === 0 ? [] : ['/usr/bin/prlimit', ...ulimits.map((ulimit) => `--${ulimit}`)];
}

/**
 * The container's environment with what was asked for on top. Host programs
 * run with it first, so what would steer them is left out of the container's,
 * and refused of the caller's.
 */
export function execEnvironment(config: ContainerConfig, request: ExecRequest): Record<string, string> {
  const refused = Object.keys(request.env).find((name) => name !== 'PATH' && isForHostPrograms(name));
  if (refused !== undefined) {
    throw new VoltError('USAGE', `'${refused}' cannot be set from outside`, {
      hint: `volt exec ${config.spec.name} -- env ${refused}=... PROGRAM`,
    });
  }
  const own = Object.entries(config.env).filter(([name]) => name === 'PATH' || !isForHostPrograms(name));
  return {
    HOME: config.user === '' ? '/root' : '/',
    ...(request.tty ? { TERM: 'xterm-256color' } : {}),
    ...Object.fromEntries(own),
    ...request.env,
    container: 'systemd-nspawn',
  };
}

export interface Inside {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly request: ExecRequest;
  readonly io: ExecIo;
}

/**
 * Resolves with the exit code, or with 0 when the caller left it running. When the signal fires the program is killed;
 * one on a terminal sees that hung up.
 */
export async function runInside(
  programs: Programs,
  { argv, env, request, io }: Inside,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const program = await programs.open(argv, { env });
  // A console whose only watcher goes without a word hangs its terminal up.
  const stop = () => (request.tty ? program.release() : void program.kill());
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const code = request.tty ? await onTerminal(program, request, io) : await onPipes(program, request, io);
    signal.throwIfAborted();
    return code;
  } catch (thrown) {
    if (request.tty) program.release();
    else await program.kill();
    throw signal.aborted ? signal.reason : thrown;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What says why there is no terminal comes beside it. */
async function onTerminal(program: OpenProgram, request: ExecRequest, io: ExecIo): Promise<number> {
  const complaints = show(program.stderr, 'stderr', io);
  const line = { output: program.stdout, write: (data: Uint8Array) => program.write(data) };
  const outcome = await relay(line, { ...request, stdin: true }, io);
  if (outcome === 'left') {
    complaints.catch(() => undefined);
    program.release();
    return 0;
  }
  await complaints;
  return outcome?.exitCode ?? program.exitCode;
}

async function onPipes(program: OpenProgram, request: ExecRequest, io: ExecIo): Promise<number> {
  const typing = type(program, request, io.input);
  await Promise.all([
    show(program.stdout, 'stdout', io),
    show(program.stderr, 'stderr', io),
    // Input does not end by itself; the program's end is what is waited for.
    Promise.race([typing, program.exitCode]),
  ]);
  return program.exitCode;
}

async function show(output: AsyncIterable<Uint8Array>, stream: 'stdout' | 'stderr', { emit }: ExecIo): Promise<void> {
  for await (const chunk of output) await emit({ stream, data: Buffer.from(chunk).toString('base64') });
}

async function type(program: OpenProgram, request: ExecRequest, input: ExecIo['input']): Promise<void> {
  if (!request.stdin) program.end();
  for await (const frame of input) {
    if (!request.stdin) continue;
    if (frame.kind === 'eof') program.end();
    else if (frame.kind === 'stdin') await program.write(Buffer.from(frame.data, 'base64'));
  }
  if (request.stdin) program.end();
}

/**
 * Runs mmdebstrap and hands its archive to the importer while it is written.
 *
 * It runs in a mount and process namespace of its own: whatever happens to it,
 * its processes die with it and its mounts are gone, so that the scratch
 * folder can be removed safely.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { ImageBuild } from '@volt/shared/model';
import type { OpenProgram, Programs } from '../host/index.ts';
import type { ByteString } from '../store/index.ts';

export interface DebianBuild {
  readonly request: Pick<ImageBuild, 'suite' | 'packages' | 'mirror' | 'script'>;
  readonly variant?: Variant | undefined;
  readonly programs: Programs;
  /** Made here and removed at the end; must not exist. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onLine?: ((line: string) => void) | undefined;
  /** Reads the archive as it comes. */
  readonly consume: (archive: AsyncIterable<Uint8Array>) => Promise<void>;
}

/** How much of Debian there is before the packages asked for. */
export type Variant = 'minbase' | 'apt' | 'essential' | 'required' | 'important' | 'standard';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ISOLATED = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
const LINE_CHARS_MAX = 2000;
const TAIL_LINES = 8;

/** Resolves when the archive is complete and read. Leaves nothing behind, however it ends. */
export async function buildDebian(build: DebianBuild): Promise<void> {
  const { programs, scratch, signal } = build;
  await requireMmdebstrap(programs, signal);
  mkdirSync(scratch, { mode: 0o700 });
  try {
    const scriptPath = join(scratch, 'script');
    if (build.request.script !== undefined) writeFileSync(scriptPath, build.request.script, { mode: 0o600 });
    // mmdebstrap passes its environment on to hooks, so the script's path never becomes part of a shell line.
    const env = { PATH, LC_ALL: 'C.UTF-8', TMPDIR: scratch, VOLT_BUILD_SCRIPT: scriptPath };
    await runToEnd(await programs.open([...ISOLATED, ...mmdebstrapArgv(build)], { env }), build);
  } finally {
    // Not across mounts: should one be left, what it shows is not ours to remove.
    await programs.run(['rm', '-rf', '--one-file-system', '--', scratch], { signal: new AbortController().signal });
  }
}

export function mmdebstrapArgv({ request, variant = 'minbase' }: Pick<DebianBuild, 'request' | 'variant'>): string[] {
  const { suite, packages, mirror, script } = request;
  return [
    'mmdebstrap',
    '--format=tar',
    `--variant=${variant}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...(packages.length > 0 ? [`--include=${packages.join(',')}`] : []),
    ...(script === undefined ? [] : ['--customize-hook=chroot "$1" /bin/sh -eu <"$VOLT_BUILD_SCRIPT"']),
    suite,
    '-',
    ...(mirror === undefined ? [] : [mirror]),
  ];
}

/** What of a built system is left out of its image. */
export function editBuilt(path: ByteString): 'keep' | 'drop' | 'empty' {
  // Every container gets an identity of its own at its first start.
  if (path === 'etc/machine-id') return 'empty';
  // Whoever runs the image mounts its own /dev; what apt fetched is fetched again.
  return /^(dev|var\/cache\/apt|var\/lib\/apt\/lists)\/./.test(path) ? 'drop' : 'keep';
}

async function requireMmdebstrap(programs: Programs, signal: AbortSignal): Promise<void> {
  try {
    await programs.run(['mmdebstrap', '--version'], { signal });
  } catch (thrown) {
    if (!(thrown instanceof VoltError) || thrown.code !== 'DEPENDENCY') throw thrown;
    throw new VoltError('DEPENDENCY', 'mmdebstrap, which builds images, is not installed', {
      hint: 'apt install mmdebstrap',
      cause: thrown,
    });
  }
}

async function runToEnd(program: OpenProgram, { signal, onLine, consume }: DebianBuild): Promise<void> {
  const kill = (): void => void program.kill();
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  const tail: string[] = [];
  const logged = eachLine(program.stderr, (line) => {
    if (tail.push(line) > TAIL_LINES) tail.shift();
    onLine?.(line);
  });
  // Whoever stops reading the archive must not leave the program blocked on it.
  const consumed = consume(program.stdout).catch(async (thrown: unknown) => {
    await program.kill();
    throw thrown;
  });
  const [consumption, , code] = await Promise.all([settled(consumed), logged, program.exitCode]);
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  // Before the importer's complaint about an archive that ends early, which would only be a consequence.
  if (code !== 0 && (consumption.ok || isCutShort(consumption.thrown))) {
    throw new VoltError('DEPENDENCY', `mmdebstrap failed: ${reason(tail)}`, {
      hint: 'check the suite, the package names and that the mirror can be reached',
    });
  }
  if (!consumption.ok) throw consumption.thrown;
}

type Settled = { readonly ok: true } | { readonly ok: false; readonly thrown: unknown };

const settled = (work: Promise<void>): Promise<Settled> =>
  work.then(
    () => ({ ok: true }),
    (thrown: unknown) => ({ ok: false, thrown }),
  );

const isCutShort = (thrown: unknown): boolean => thrown instanceof VoltError && thrown.code === 'INVALID_CONFIG';

/** mmdebstrap and apt mark what went wrong with an E. */
const reason = (tail: readonly string[]): string =>
  tail.filter((line) => line.startsWith('E:')).join('; ') || tail.at(-1) || 'it said nothing';

async function eachLine(chunks: AsyncIterable<Uint8Array>, use: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX);
    for (const line of lines) if (line !== '') use(line.slice(0, LINE_CHARS_MAX));
  }
  if (rest !== '') use(rest);
}

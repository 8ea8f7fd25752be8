/**
 * The start of the one program: picks the agent, the controller or the CLI.
 *
 * Only what the chosen one needs is loaded, and `--version` needs nothing.
 * The same file is the entry of the built binary and of a run from source.
 */
import { version } from '@volt/shared/program';

type Main = (argv: readonly string[]) => Promise<number>;

async function run([first, ...rest]: readonly string[]): Promise<number> {
  if (rest.length === 0 && (first === '--version' || first === 'version')) {
    process.stdout.write(`volt ${version}\n`);
    return 0;
  }
  if (first === 'daemon') return leave(await start((await import('../agent/src/main.ts')).main, rest));
  if (first === 'controller') return leave(await start((await import('../controller/src/main.ts')).main, rest));
  const code = await start((await import('../cli/src/main.ts')).main, first === undefined ? [] : [first, ...rest]);
  return leave(code);
}

/** Names the shape all three must have. */
function start(main: Main, argv: readonly string[]): Promise<number> {
  return main(argv);
}

/**
 * Somebody waits for it to end: what it printed has to be out, and the rest is for the kernel to clear away. A daemon
 * that failed as it began has doors open still, and would be waited for until it is killed.
 */
async function leave(code: number): Promise<never> {
  await flushed(process.stdout);
  await flushed(process.stderr);
  process.exit(code);
}

/** Resolves when all that was written has gone, or never will. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writable) await new Promise<void>((resolve) => void stream.write('', () => resolve()));
}

run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`volt: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return leave(1);
  },
);

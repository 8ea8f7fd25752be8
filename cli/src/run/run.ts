/** From words to an exit code. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import { agentMethods, controllerMethods } from '@volt/shared/rpc';
import { Catalog, deriveCommands, type Command } from '../catalog/index.ts';
import { handCommands, pullingFirst, stayingWithRun } from '../commands/index.ts';
import { contextsPath, readContexts, resolveDestination } from '../contexts/index.ts';
import { Session, type Ports } from '../session/index.ts';
import { settingsFrom, type GlobalValues } from '../settings/index.ts';
import { readerGone } from '../terminal/index.ts';
import { parse, type Parsed } from './parse.ts';
import { report } from './report.ts';
import { routeOf } from './route.ts';

/** For what is asked on the side: names to complete, or to suggest for a mistyped one. */
const SIDE_QUESTION_MS = 700;

export const catalog = (): Catalog =>
  new Catalog([...deriveCommands(agentMethods, controllerMethods).map(withStaying), ...handCommands]);

const withStaying = (command: Command): Command =>
  command.path === 'container run' ? pullingFirst(stayingWithRun(command)) : command;

/** Resolves with the exit code; whatever went wrong has been printed. */
export async function run(argv: readonly string[], ports: Ports): Promise<number> {
  try {
    return await dispatch(argv, ports);
  } catch (thrown) {
    if (ports.signal.reason === readerGone) return 0;
    return report(ports.signal.aborted ? interrupted(thrown) : thrown, ports.terminal);
  }
}

/** Cancelling shows as many kinds of failure, on the way down. */
const interrupted = (cause: unknown) => new VoltError('INTERRUPTED', 'Interrupted', { cause });

async function dispatch(argv: readonly string[], ports: Ports): Promise<number> {
  const commands = catalog();
  if (argv[0] === 'complete') return answerShell(argv.slice(argv[1] === '--' ? 2 : 1), commands, ports);

  const route = routeOf(argv, commands);
  if (route.kind === 'run') return runCommand(route.command, route.words, ports);
  const { commandHelp, groupHelp, overview } = await import('../help/index.ts');
  const text =
    route.kind === 'help'
      ? commandHelp(route.command)
      : route.kind === 'group'
        ? groupHelp(route.noun, commands)
        : overview(commands);
  await ports.terminal.stdout.write(text);
  return 0;
}

async function runCommand(command: Command, words: readonly string[], ports: Ports): Promise<number> {
  const parsed = parse(command, words, ports.terminal.env);
  const session = open(parsed.globals, ports);
  try {
    return await command.run(parsed.values, session, parsed.given);
  } catch (thrown) {
    throw await withSuggestion(thrown, command, { parsed, ports });
  } finally {
    session.close();
  }
}

function open(globals: GlobalValues, ports: Ports, timeoutMs?: number): Session {
  const { env } = ports.terminal;
  const settings = settingsFrom(globals, env);
  return new Session(ports, timeoutMs === undefined ? settings : { ...settings, timeoutMs }, async () =>
    resolveDestination(await readContexts(contextsPath(env)), settings),
  );
}

/** A name that does not exist may be a mistyped one that does. Never delays a cancelled command. */
async function withSuggestion(
  thrown: unknown,
  command: Command,
  { parsed, ports }: { parsed: Parsed; ports: Ports },
): Promise<unknown> {
  if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND' || ports.signal.aborted) return thrown;
  const { namesOf } = await import('../names/index.ts');
  const session = open(parsed.globals, ports, SIDE_QUESTION_MS);
  try {
    for (const [param, source] of Object.entries(command.names)) {
      const typed = [parsed.given[param]].flat().filter((name) => typeof name === 'string');
      if (typed.length === 0) continue;
      const names = await namesOf(source, session);
      const hint = typed.map((name) => (names.includes(name) ? undefined : didYouMean(name, names))).find(Boolean);
      if (hint !== undefined) return new VoltError('NOT_FOUND', thrown.message, { hint, cause: thrown });
    }
    return thrown;
  } finally {
    session.close();
  }
}

/** What the completion scripts ask. Silent on failure: there is nowhere to say it while somebody types. */
async function answerShell(words: readonly string[], commands: Catalog, ports: Ports): Promise<number> {
  const [{ complete, protocol }, { namesOf }] = await Promise.all([
    import('../completion/index.ts'),
    import('../names/index.ts'),
  ]);
  const session = open(
    { context: valueOf('--context', words), node: valueOf('--node', words) },
    ports,
    SIDE_QUESTION_MS,
  );
  try {
    const found = await complete(words, commands, (source) => namesOf(source, session));
    await ports.terminal.stdout.write(protocol(found));
    return 0;
  } finally {
    session.close();
  }
}

function valueOf(flag: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(flag);
  // The last word is still being typed.
  return at === -1 || at >= words.length - 2 ? undefined : words[at + 1];
}

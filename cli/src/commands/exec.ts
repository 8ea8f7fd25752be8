import { VoltError } from '@volt/shared/errors';
import { agentMethods, type ExecInput, type ExecOutput } from '@volt/shared/rpc';
import type { z } from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import type { Terminal } from '../terminal/index.ts';
import { asksOneAgent, findElsewhere, findInCluster, type Place } from './locate.ts';

const row = agentMethods['container.exec'];

type Input = z.output<typeof ExecInput>;
type Params = z.output<ReturnType<typeof execParams>>;

// The size of the window is measured, not given.
const execParams = () =>
  row.params.omit({ columns: true, rows: true, stdin: true }).extend({
    command: row.params.shape.command.describe('Program and its arguments.'),
    interactive: row.params.shape.stdin.describe('Pass on standard input.'),
  });

export const exec = command({
  path: 'container exec',
  alias: 'exec',
  summary: row.summary,
  params: execParams,
  positional: ['name'],
  rest: 'command',
  short: { i: 'interactive', t: 'tty', e: 'env' },
  examples: ['exec web -- nginx -t', 'exec web -it -- sh', 'exec db -i -- psql < dump.sql'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY'],
  names: { name: 'instance' },

  async run(params, session) {
    const { terminal } = session;
    if (params.tty && !terminal.stdin.isTerminal) {
      throw new VoltError('USAGE', "'--tty' needs a terminal, and standard input is none", { hint: 'leave out -t' });
    }
    const { name } = params;
    const run = (place: Place) => execIn(place, params, session);
    if (!(await asksOneAgent(session))) return run(onlyOne(await findInCluster(name, session), name));
    const agent = await session.agent('exec');
    try {
      // What was read from standard input for an attempt that was refused is lost to the next one.
      if (params.interactive || params.tty) await agent.call('container.inspect', { name }, { signal: session.signal });
      return await run({ name, agent });
    } catch (thrown) {
      if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
      return run(onlyOne(await findElsewhere(name, session, thrown), name));
    }
  },
});

function onlyOne(places: readonly Place[], name: string): Place {
  const [first, ...others] = places;
  if (first !== undefined && others.length === 0) return first;
  const names = places.map((place) => place.name);
  throw new VoltError('USAGE', `'${name}' has ${places.length} copies: say which`, {
    hint: names.slice(0, 8).join(', '),
  });
}

/** Resolves with the exit code of the program. The terminal is as it was, whatever happens. */
async function execIn({ name, agent }: Place, params: Params, session: Session): Promise<number> {
  const { terminal, signal } = session;
  const { interactive, ...rest } = params;
  const passesInput = interactive || params.tty;
  const input = passesInput ? inputOf(terminal, params.tty) : undefined;
  const restore = params.tty ? terminal.stdin.makeRaw() : () => {};
  try {
    const { exitCode } = await agent.stream(
      'container.exec',
      { ...rest, name, stdin: passesInput, ...sizeOf(terminal) },
      { signal, onEvent: (event) => write(event, terminal), ...(input === undefined ? {} : { input: input.items() }) },
    );
    return exitCode;
  } finally {
    restore();
    input?.stop();
  }
}

const write = ({ stream, data }: z.output<typeof ExecOutput>, terminal: Terminal) =>
  (stream === 'stdout' ? terminal.stdout : terminal.stderr).write(Buffer.from(data, 'base64'));

function sizeOf({ stdout }: Terminal): { columns?: number; rows?: number } {
  const columns = stdout.columns();
  const rows = stdout.rows();
  return columns === undefined || rows === undefined ? {} : { columns, rows };
}

/**
 * What the terminal sends: bytes as they come, and its size when that changes.
 * At most one chunk is held, and of several changes of size the last.
 */
function inputOf(terminal: Terminal, tty: boolean) {
  let close = () => {};

  async function* items(): AsyncGenerator<Input> {
    const stdin = terminal.stdin.stream();
    let resized = Promise.withResolvers<'resized'>();
    const stopWatching = tty ? terminal.onResize(() => resized.resolve('resized')) : () => {};
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
      yield { kind: 'stdin', data: turn.value.toString('base64') };
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

/**
 * What holds the other end of a program's output, and of its terminal or input: agent/enter/console.c is the main
 * process of the unit, between systemd and nspawn. It needs no agent, and outlives those that come and go.
 */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';
import type { Clock, Connection, Files, Sockets } from '../../../host/index.ts';
import { relay, type Outcome, type Watching } from '../../terminal/index.ts';
import type { ExecIo } from '../../engine.ts';
import { ownerOf } from './isolation.ts';
import type { Paths } from './paths.ts';

type Where = Pick<Paths, 'containers' | 'run' | 'lib'>;

/** What is written here, before a start, has the program wait for the first that attaches. */
export const awaitedMark = ({ containers }: Where, name: string): string => `${containers}/${name}/awaited`;

const socketOf = ({ run }: Where, name: string): string => `${run}/${name}/console`;

/** Whether its program has a terminal, or input that stays open. */
export const hasConsole = ({ spec }: ContainerConfig): boolean => spec.tty === true || spec.interactive === true;

/** Before the command line of what runs it. One that boots writes to the journal itself. */
export function consoleArguments(config: ContainerConfig, paths: Where): string[] {
  const { name, tty, os } = config.spec;
  if (os === true) return [];
  const how = tty === true ? 'terminal' : hasConsole(config) ? 'pipes' : 'output';
  const [uid = 0, gid = 0] = config.user.split(':').slice(0, 2).map(Number);
  const owner = `${ownerOf(config) + uid}:${ownerOf(config) + gid}`;
  return [`${paths.lib}/console`, 'serve', socketOf(paths, name), awaitedMark(paths, name), how, owner];
}

/**
 * nspawn, which tells systemd that it is ready, is a child of the main process there; and it enables controllers only
 * where no process is left beside its own groups.
 */
export const consoleProperties = ({ spec }: ContainerConfig): string =>
  spec.os === true ? 'NotifyAccess=main\n' : 'NotifyAccess=all\nDelegateSubgroup=supervisor\n';

export interface ConsoleHost {
  readonly sockets: Sockets;
  readonly files: Files;
  readonly clock: Clock;
}

/** Between two looks for a socket that is about to be made. */
const LOOK_EVERY_MS = 5;

export class Consoles {
  readonly #host: ConsoleHost;
  readonly #paths: Where;

  constructor(host: ConsoleHost, paths: Where) {
    this.#host = host;
    this.#paths = paths;
  }

  /** The next start waits for `watch`. */
  async expect(name: string): Promise<void> {
    await this.#host.files.write(awaitedMark(this.#paths, name), '', { mode: 0o600, durable: false });
  }

  /** Until the program has ended, the caller has left, or the signal fires. Undefined when the console is gone. */
  async watch(name: string, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<Outcome> {
    const connection = await this.#connect(name, signal);
    const close = () => connection.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      const outcome = await relay(connection, watching, io);
      signal.throwIfAborted();
      return outcome;
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  /** One that is expected is not there yet. */
  async #connect(name: string, signal: AbortSignal): Promise<Connection> {
    const { sockets, files, clock } = this.#host;
    for (;;) {
      signal.throwIfAborted();
      // Asked first: the mark is gone once somebody listens.
      const isExpected = await files.exists(awaitedMark(this.#paths, name));
      try {
        return await sockets.connect(socketOf(this.#paths, name));
      } catch (thrown) {
        if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
        if (!isExpected) throw this.#cannot(name, thrown);
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #cannot(name: string, cause: unknown): VoltError {
    return new VoltError('CONFLICT', `'${name}' was started before it could be attached to`, {
      hint: `volt container restart ${name}`,
      cause,
    });
  }
}

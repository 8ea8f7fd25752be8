/** What a running command may touch: the servers, the terminal, and how results are to be shown. */
import type { Client, connect, ConnectOptions, Target } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import { agentMethods, controllerMethods, type AgentMethods, type ControllerMethods } from '@volt/shared/rpc';
import type { Destination } from '../contexts/index.ts';
import type { Offline } from '../offline/index.ts';
import { cell, ndjson, noProgress, progressOn, render, type Progress, type Shape, type View } from '../output/index.ts';
import type { Settings } from '../settings/index.ts';
import { harmless, pad, painter, type Terminal } from '../terminal/index.ts';
import { endNote } from './certificate-end.ts';
import { route, type Side } from './side.ts';

/** What the world is to the CLI. main.ts hands over the real one, tests theirs. */
export interface Ports {
  readonly terminal: Terminal;
  readonly connect: typeof connect;
  readonly offline: Offline;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** A client of a table that is not known when the program is written. */
export interface LooseClient {
  call(name: string, params: object, options?: { signal?: AbortSignal }): Promise<unknown>;
  stream(
    name: string,
    params: object,
    options: {
      signal: AbortSignal;
      onEvent: (event: unknown) => void | Promise<void>;
      input?: AsyncIterable<unknown>;
    },
  ): Promise<unknown>;
}

export class Session {
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly offline: Offline;
  readonly #ports: Ports;
  readonly #findDestination: () => Promise<Destination>;
  #destination: Promise<Destination> | undefined;
  readonly #opened: { close(): void }[] = [];
  #isWarned = false;

  constructor(ports: Ports, settings: Settings, findDestination: () => Promise<Destination>) {
    this.#ports = ports;
    this.#findDestination = findDestination;
    this.terminal = ports.terminal;
    this.offline = ports.offline;
    this.signal = ports.signal;
    this.settings = settings;
  }

  /** Whom this command talks to; found out when it is first asked. */
  destination(): Promise<Destination> {
    this.#destination ??= this.#findDestination();
    return this.#destination;
  }

  /** A client for the rows of one side. Throws USAGE when the context has no such side; `command` is who asks. */
  async client(side: Side, command: string): Promise<LooseClient> {
    const destination = await this.destination();
    await this.#warnOfEnd(destination);
    const { table, options } = route(side, destination, this.settings.node, command);
    const methods = table === 'agent' ? agentMethods : controllerMethods;
    return this.#open(destination.target, methods, options) as unknown as LooseClient;
  }

  /** Once a command, though it has several clients. */
  async #warnOfEnd(destination: Destination): Promise<void> {
    const note = this.#isWarned ? undefined : endNote(destination, this.#ports.now());
    this.#isWarned = true;
    if (note !== undefined) await this.note(note);
  }

  async agent(command: string): Promise<Client<AgentMethods>> {
    return (await this.client('agent', command)) as unknown as Client<AgentMethods>;
  }

  async controller(command: string): Promise<Client<ControllerMethods>> {
    return (await this.client('controller', command)) as unknown as Client<ControllerMethods>;
  }

  /** The controller even when `--node` is given: for looking up where something is. */
  async cluster(): Promise<Client<ControllerMethods>> {
    const destination = await this.destination();
    const { options } = route('controller', destination, undefined, 'node list');
    return this.#open(destination.target, controllerMethods, options);
  }

  /** The agent of one node, through a controller. */
  async agentOf(node: string): Promise<Client<AgentMethods>> {
    const destination = await this.destination();
    const { options } = route('agent', destination, node, 'node list');
    return this.#open(destination.target, agentMethods, options);
  }

  #open<T extends AgentMethods | ControllerMethods>(target: Target, table: T, options: ConnectOptions): Client<T> {
    const client = this.#ports.connect(target, table, { timeoutMs: this.settings.timeoutMs, ...options });
    this.#opened.push(client);
    return client;
  }

  /** Runs `work`; when the agent of this machine is down and systemd can answer for it, lets systemd answer. */
  async orOffline(method: string, params: object, work: () => Promise<unknown>): Promise<unknown> {
    try {
      return await work();
    } catch (thrown) {
      const answer = this.offline.answers[method];
      if (answer === undefined || !(await this.isAgentDown(thrown))) throw thrown;
      // Where systemd cannot be asked either, that the agent is down is what people need to know.
      let result: unknown;
      try {
        result = await answer(params);
      } catch {
        throw thrown;
      }
      await this.sayOffline();
      return result;
    }
  }

  async isAgentDown(thrown: unknown): Promise<boolean> {
    if (!(thrown instanceof VoltError) || thrown.code !== 'DAEMON' || this.settings.node !== undefined) return false;
    const { kind, target } = await this.destination();
    return kind === 'agent' && target.kind === 'socket';
  }

  /** Said even to the quiet: what follows may be less than the agent would tell. */
  sayOffline(): Promise<void> {
    return this.terminal.stderr.write('agent is down: read from systemd\n');
  }

  /** A remark for people, out of the way of what is piped on. */
  async note(text: string): Promise<void> {
    if (!this.settings.quiet) await this.terminal.stderr.write(`${text}\n`);
  }

  /** The one way to standard output for results. */
  async print(value: unknown, shape: Shape, noun = 'results'): Promise<void> {
    const { output } = this.settings;
    const isForPeople = output === 'table' || output === 'wide';
    if (isForPeople && Array.isArray(value) && value.length === 0) return this.note(`No ${noun}.`);
    await this.terminal.stdout.write(await render(value, shape, output, this.view()));
  }

  view(): View {
    const { stdout } = this.terminal;
    return { now: this.#ports.now(), paint: this.paint(), columns: stdout.columns() };
  }

  paint() {
    return painter(this.settings.color, this.terminal.stdout.isTerminal, this.terminal.env);
  }

  /** How far a long operation is. With ndjson its events are part of the output. */
  progress(): Progress {
    if (this.settings.output === 'ndjson') {
      return { show: (event) => this.terminal.stdout.write(ndjson(event)), end: async () => {} };
    }
    return this.settings.quiet ? noProgress : progressOn(this.terminal.stderr);
  }

  /** Prints events as they come: with any machine format one JSON object a line, else a row each. */
  eventPrinter({ columns }: Shape): (event: unknown) => Promise<void> {
    const { stdout } = this.terminal;
    const { output } = this.settings;
    if (output === 'yaml')
      return async (event) => stdout.write(`---\n${await render(event, { columns }, 'yaml', this.view())}`);
    if (output === 'json' || output === 'ndjson') return (event) => stdout.write(ndjson(event));
    if (output === 'name') return async (event) => stdout.write(await render(event, { columns }, 'name', this.view()));
    return async (event) => {
      const row = event as Readonly<Record<string, unknown>>;
      const cells = columns.map((column) => cell(column, row[column], this.#ports.now()));
      await stdout.write(`${eventLine(cells)}\n`);
    };
  }

  close(): void {
    for (const client of this.#opened) client.close();
  }
}

const EVENT_COLUMN = 24;

/** Nothing is known of the rows to come, so columns have a fixed width, and a longer cell pushes the rest. */
const eventLine = (cells: readonly string[]): string =>
  cells
    .map((text) => pad(harmless(text), EVENT_COLUMN))
    .join('  ')
    .trimEnd();

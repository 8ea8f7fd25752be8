import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerProcess, ContainerUsage } from '@volt/shared/model';
import type { LogLine } from '@volt/shared/rpc';
import { Doorbell } from '../../host/index.ts';
import type { ExecIo, ExecRequest, LogOptions } from '../engine.ts';
import type { Outcome, Watching } from '../terminal/index.ts';
import type { Driver, Gauges, Reach, Watched, ObservedContainer } from './driver.ts';

/** A host in memory. Keeps the driver contract, and fails when told to. */
export class FakeDriver implements Driver, Reach, Gauges, Watched {
  landlock = 7;
  readonly host = new Map<string, ObservedContainer>();
  readonly installed = new Map<string, { config: ContainerConfig; lower: string }>();
  /** Names whose program does not run. */
  readonly broken = new Set<string>();
  /** Names that cannot be installed. */
  readonly full = new Set<string>();
  /** Those whose limits were changed while they ran. */
  readonly limited = new Map<string, ContainerConfig>();
  /** Those that were read again while they ran. */
  readonly rereads: string[] = [];
  enforced: ReadonlySet<string> = new Set(['cpu', 'cpuset', 'io', 'memory', 'pids']);
  /** Waited for in the middle of each start, by name. */
  readonly gates = new Map<string, Promise<void>>();
  readonly #bells = new Set<Doorbell>();

  async prepare(): Promise<void> {}

  async install(config: ContainerConfig, lower: string): Promise<void> {
    const { name } = config.spec;
    if (this.full.has(name)) throw new VoltError('RESOURCE', 'No space is left');
    this.installed.set(name, { config, lower });
    if (!this.host.has(name)) this.#set(name, {});
  }

  async start(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.gates.get(name);
    if (!this.installed.has(name)) throw new VoltError('NOT_FOUND', `There is no unit of '${name}'`);
    if (this.broken.has(name)) {
      this.#set(name, { state: 'failed', exitCode: 127, reason: 'exit code 127' });
      throw new VoltError('DEPENDENCY', `Container '${name}' did not start: exit code 127`);
    }
    if (this.host.get(name)?.state === 'running') return;
    this.#set(name, { state: 'running', pid: 100, startedAt: '2026-01-01T00:00:00.000Z' });
  }

  async stop(name: string): Promise<void> {
    if (this.#isUp(name)) this.#set(name, { state: 'stopped', exitCode: 143 });
  }

  async remove(name: string): Promise<void> {
    this.installed.delete(name);
    this.host.delete(name);
  }

  async list(): Promise<ObservedContainer[]> {
    return [...this.host.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async observe(name: string): Promise<ObservedContainer | undefined> {
    return this.host.get(name);
  }

  async *logs({ spec: { name } }: ContainerConfig, { tail }: LogOptions): AsyncGenerator<LogLine> {
    if (tail !== 0) yield { at: '2026-01-01T00:00:00.000Z', name, text: 'hello' };
  }

  async exec({ spec }: ContainerConfig, { command }: ExecRequest, { emit }: ExecIo): Promise<number> {
    if (this.host.get(spec.name)?.state !== 'running') {
      throw new VoltError('CONFLICT', `Container '${spec.name}' is not running`);
    }
    if (command[0] !== '/bin/echo') return 127;
    await emit({ stream: 'stdout', data: Buffer.from(`${command.slice(1).join(' ')}\n`).toString('base64') });
    return 0;
  }

  async expectWatcher(): Promise<void> {}

  /** Its program prints what it is sent, and ends when its input does. */
  async watch(name: string, _watching: Watching, { input, emit }: ExecIo, signal: AbortSignal): Promise<Outcome> {
    while (!this.#isUp(name)) {
      signal.throwIfAborted();
      await new Promise(setImmediate);
    }
    for await (const frame of input) {
      if (frame.kind === 'detach') return 'left';
      if (frame.kind === 'stdin') await emit({ stream: 'stdout', data: frame.data });
      if (frame.kind === 'eof') break;
    }
    this.end(name, 0);
    return { exitCode: 0 };
  }

  async kill(name: string, signalName: string): Promise<void> {
    if (signalName === 'SIGKILL') this.#set(name, { state: 'stopped', exitCode: 137 });
    else if (signalName === 'SIGTERM') this.end(name, 143);
  }

  async fail(name: string): Promise<void> {
    this.end(name, 137);
  }

  async pause(name: string): Promise<void> {
    this.#set(name, { ...this.host.get(name), state: 'paused' });
  }

  async resume(name: string): Promise<void> {
    this.#set(name, { ...this.host.get(name), state: 'running' });
  }

  async rename(from: string, to: string): Promise<void> {
    const { name: _, ...rest } = this.host.get(from)!;
    await this.remove(from);
    this.#set(to, rest);
  }

  async limit(config: ContainerConfig): Promise<void> {
    if (config.spec.cpuset === '99') throw new VoltError('RESOURCE', 'There is no such processor');
    this.limited.set(config.spec.name, config);
  }

  async reread(name: string): Promise<void> {
    this.rereads.push(name);
  }

  async controllers(): Promise<ReadonlySet<string>> {
    return this.enforced;
  }

  async processes({ spec, command }: ContainerConfig): Promise<ContainerProcess[]> {
    if (!this.#isUp(spec.name)) throw new VoltError('CONFLICT', `Container '${spec.name}' is not running`);
    const idle = { parent: 0, user: 0, state: 'sleeping', cpuMillis: 0, memoryBytes: 0 } as const;
    return [{ ...idle, pid: 1, command: command.join(' ') }];
  }

  async usage(): Promise<ContainerUsage[]> {
    const disk = { readBytes: 0, writtenBytes: 0 };
    const counted = { cpuUsec: 1, memoryBytes: 1, memoryLimitBytes: null, processes: 1, oomKills: 0, ...disk };
    const rest = { at: '2026-01-01T00:00:00.000Z', receivedBytes: 0, sentBytes: 0 };
    return [...this.host.keys()].filter((name) => this.#isUp(name)).map((name) => ({ name, ...counted, ...rest }));
  }

  /** Its program ends by itself. */
  end(name: string, exitCode: number): void {
    const isGood = exitCode === 0 || exitCode === 143;
    this.#set(name, {
      state: isGood ? 'stopped' : 'failed',
      exitCode,
      reason: isGood ? null : `exit code ${exitCode}`,
    });
  }

  #isUp(name: string): boolean {
    const state = this.host.get(name)?.state;
    return state === 'running' || state === 'paused';
  }

  async *changes(signal: AbortSignal): AsyncGenerator<void> {
    const bell = new Doorbell();
    this.#bells.add(bell);
    try {
      yield* bell.wakes(signal);
    } finally {
      this.#bells.delete(bell);
    }
  }

  #set(name: string, change: Partial<ObservedContainer>): void {
    const ended = { pid: null, exitCode: null, reason: null, startedAt: null };
    const blank = { name, state: 'created', restarts: 0, isOutOfMemory: false, ...ended } as const;
    this.host.set(name, { ...blank, ...change });
    for (const bell of this.#bells) bell.ring();
  }
}

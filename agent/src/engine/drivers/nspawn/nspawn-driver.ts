import { toVoltError, VoltError } from '@volt/shared/errors';
import { ContainerName, type ContainerConfig } from '@volt/shared/model';
import type { LogLine } from '@volt/shared/rpc';
import {
  CONTAINER_UNITS,
  containerJournal,
  containerOfUnit,
  containerState,
  containerUnit,
  failureOf,
  type Unit,
} from '@volt/shared/systemd';
import type { Clock, Files, Journal, Processes, Programs, Sockets, Systemd } from '../../../host/index.ts';
import type { ExecIo, ExecRequest, LogOptions } from '../../engine.ts';
import type { Driver, Reach, Watched, ObservedContainer } from '../driver.ts';
import type { Outcome, Watching } from '../../terminal/index.ts';
import { Consoles } from './console.ts';
import { execArguments, execEnvironment, runInside } from './exec.ts';
import { parseExitRecord } from './exit-record.ts';
import { NspawnReach } from './reach.ts';
import { installPrograms, landlockVersion } from './inside.ts';
import { installContainer, removeContainer } from './install.ts';
import { clearUnnamed } from './leftovers.ts';
import { ENTER_INSIDE, INIT_INSIDE, machineName, type Paths } from './paths.ts';
import { STOP_SECONDS } from './unit.ts';

export interface Host {
  readonly files: Files;
  readonly programs: Programs;
  readonly systemd: Systemd;
  readonly journal: Journal;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly sockets: Sockets;
  /** The built programs of agent/enter, which are part of this one. */
  readonly enter: () => Uint8Array;
  readonly console: () => Uint8Array;
}

const START_TIMEOUT_MS = 90_000;
/** After the kill there is only the clearing away to wait for. */
const CLEAR_TIMEOUT_MS = 60_000;
/** From the first process to the program is a fork and an exec; on a machine under load that can take a while. */
const PROGRAM_TIMEOUT_MS = 10_000;
/** Between two questions to systemd whether the container is still there. */
const LOOKS = 20;
const LOOK_EVERY_MS = 2;
const FAILURE_LINES = 5;
/** A program that said nothing is waited for a quarter of a second. */
const FAILURE_LOOKS = 6;
const FAILURE_LOOK_EVERY_MS = 50;
const SIGKILL = 9;

/** Containers as systemd-nspawn machines, each in a unit of its own that needs no agent. */
export class NspawnDriver extends NspawnReach implements Driver, Reach, Watched {
  readonly #host: Host;
  readonly #paths: Paths;
  readonly #consoles: Consoles;
  #landlock = 0;

  constructor(host: Host, paths: Paths) {
    super(host, paths.containers);
    this.#host = host;
    this.#paths = paths;
    this.#consoles = new Consoles(host, paths);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await clearUnnamed(this.#host.files, this.#paths);
    await installPrograms(this.#host, this.#paths);
    this.#landlock = await landlockVersion(this.#host.programs, this.#paths, signal);
  }

  get landlock(): number {
    return this.#landlock;
  }

  install(config: ContainerConfig, lower: string): Promise<void> {
    return installContainer(this.#host.files, this.#paths, config, lower);
  }

  async start(name: string, signal: AbortSignal): Promise<void> {
    const { systemd, clock, files } = this.#host;
    const unit = containerUnit(name);
    const since = clock.now();
    try {
      // What was changed while it last ran is in the unit's own file.
      await files.removeTree(`${this.#paths.systemdControl}/${unit}.d`);
      // Whatever it was started by itself before does not count against this start.
      await Promise.all([systemd.refresh(unit), systemd.resetFailed(unit)]);
      await systemd.start(unit, { signal, timeoutMs: START_TIMEOUT_MS });
      await this.#programRuns(name, signal);
    } catch (thrown) {
      if (toVoltError(thrown).code !== 'DEPENDENCY') throw thrown;
      throw await this.#startFailure(name, since, thrown);
    }
  }

  async stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const { systemd, clock } = this.#host;
    const unit = containerUnit(name);
    const dropIn = `${this.#paths.systemdRuntime}/${unit}.d`;
    if (graceSeconds > STOP_SECONDS) await this.#allowGrace(unit, dropIn, graceSeconds);
    const graceOver = new AbortController();
    const stopping = systemd.stop(unit, { signal, timeoutMs: graceSeconds * 1000 + CLEAR_TIMEOUT_MS });
    const killing = (async () => {
      await clock.sleep(graceSeconds * 1000, graceOver.signal);
      if (!graceOver.signal.aborted) await systemd.kill(unit, SIGKILL);
    })();
    try {
      await stopping;
    } finally {
      graceOver.abort();
      await killing;
      if (graceSeconds > STOP_SECONDS) await this.#host.files.removeTree(dropIn);
    }
    // It was asked to stop, so however it ended is not a failure.
    await systemd.resetFailed(unit);
  }

  async remove(name: string): Promise<void> {
    await removeContainer(this.#host, this.#paths, name);
  }

  async rename(from: string, to: string): Promise<void> {
    // Named after the container, and it has the environment in it.
    await this.#host.files.remove(`${this.#paths.containers}/${to}/${machineName(from)}.nspawn`);
    await removeContainer(this.#host, this.#paths, from);
  }

  async list(): Promise<ObservedContainer[]> {
    const { files, systemd } = this.#host;
    const { containers, run, systemd: unitFolder } = this.#paths;
    const [folders, marks, unitFiles, units] = await Promise.all([
      files.list(containers),
      files.list(run),
      files.list(unitFolder),
      systemd.list([CONTAINER_UNITS]),
    ]);
    const loaded = new Map(units.map((unit) => [containerOfUnit(unit.name), unit]));
    // A unit that ended stays in systemd's memory for a while after its files are gone.
    const active = units.filter(({ activeState }) => activeState !== 'inactive' && activeState !== 'failed');
    const fromUnits = [...unitFiles, ...active.map((unit) => unit.name)].map(containerOfUnit);
    const names = new Set([...folders, ...marks, ...fromUnits].filter((name) => isName(name)));
    return Promise.all([...names].sort().map((name) => this.#observe(name!, loaded.get(name))));
  }

  async observe(name: string): Promise<ObservedContainer | undefined> {
    const [unit] = await this.#host.systemd.list([containerUnit(name)]);
    const isKnown = unit !== undefined || (await this.#host.files.exists(`${this.#paths.containers}/${name}`));
    return isKnown ? this.#observe(name, unit) : undefined;
  }

  async *logs(config: ContainerConfig, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const { name } = config.spec;
    const query = containerJournal({ name, id: config.id, createdAt: config.createdAt }, options);
    for await (const { at, text } of this.#host.journal.read(query, signal)) {
      yield { at: at.toISOString(), name, text };
    }
  }

  async exec(config: ContainerConfig, request: ExecRequest, io: ExecIo, signal: AbortSignal): Promise<number> {
    const { name } = config.spec;
    const env = execEnvironment(config, request);
    const [unit] = await this.#host.systemd.list([containerUnit(name)]);
    const pid = await this.#leaderOf(unit);
    if (pid === null) {
      throw new VoltError('CONFLICT', `Container '${name}' is not running`, { hint: `volt container start ${name}` });
    }
    const cgroups = await this.#host.processes.cgroupsOf(pid);
    const argv = execArguments(config, { pid, cgroups }, request, this.#paths);
    return runInside(this.#host.programs, { argv, env, request, io }, signal);
  }

  expectWatcher(name: string): Promise<void> {
    return this.#consoles.expect(name);
  }

  watch(name: string, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<Outcome> {
    return this.#consoles.watch(name, watching, io, signal);
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    return this.#host.systemd.changes('volt-container@', signal);
  }

  async #observe(name: string, unit: Unit | undefined): Promise<ObservedContainer> {
    const isDown = unit === undefined || unit.activeState === 'inactive' || unit.activeState === 'failed';
    const isWaiting = unit?.subState.startsWith('auto-restart') === true;
    const isOver = isDown || isWaiting;
    const record = isOver ? parseExitRecord(await this.#host.files.read(this.#exitRecord(name))) : undefined;
    const isOutOfMemory = record?.isOutOfMemory === true;
    const state = containerState(unit, record !== undefined);
    return {
      name,
      state,
      pid: state === 'running' || state === 'paused' ? await this.#leaderOf(unit) : null,
      exitCode: isOver ? (unit?.exitCode ?? record?.exitCode ?? null) : null,
      // systemd knows only that it was killed.
      reason: unit === undefined ? null : failureOf(isOutOfMemory ? { ...unit, result: 'oom-kill' } : unit),
      isOutOfMemory,
      restarts: unit?.restarts ?? 0,
      startedAt: unit?.startedAtMs == null ? null : new Date(unit.startedAtMs).toISOString(),
    };
  }

  async #leaderOf(unit: Unit | undefined): Promise<number | null> {
    if (unit === undefined || unit.activeState !== 'active' || unit.mainPid === null) return null;
    return (await this.#host.processes.leaderOf(unit.mainPid)) ?? null;
  }

  /** nspawn is ready before the program is: waits for the exec, so that a missing program fails the start. */
  async #programRuns(name: string, signal: AbortSignal): Promise<void> {
    const { systemd, clock } = this.#host;
    const deadline = clock.now().getTime() + PROGRAM_TIMEOUT_MS;
    for (;;) {
      const [unit] = await systemd.list([containerUnit(name)]);
      if (unit === undefined || unit.activeState === 'inactive') return;
      const isOver = unit.activeState !== 'active' && unit.activeState !== 'deactivating';
      if (isOver && unit.result !== 'success') {
        throw new VoltError('DEPENDENCY', failureOf({ ...unit, activeState: 'failed' }) ?? unit.result);
      }
      if (await this.#sawProgram(unit, signal)) return;
      if (clock.now().getTime() > deadline) return;
    }
  }

  /** Asks the kernel alone for a while: as many questions to systemd would take the time that the start needs. */
  async #sawProgram(unit: Unit, signal: AbortSignal): Promise<boolean> {
    const { processes, clock } = this.#host;
    for (let look = 0; look < LOOKS; look++) {
      const leader = await this.#leaderOf(unit);
      const program = leader === null ? undefined : await processes.childProgram(leader);
      if (program !== undefined && program !== INIT_INSIDE && program !== ENTER_INSIDE) return true;
      await clock.sleep(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
    }
    return false;
  }

  async #startFailure(name: string, since: Date, cause: unknown): Promise<VoltError> {
    const { clock, journal, systemd } = this.#host;
    const [unit] = await systemd.list([containerUnit(name)]);
    const why = unit === undefined ? null : failureOf({ ...unit, activeState: 'failed' });
    const query = { unit: containerUnit(name), follow: false, tail: FAILURE_LINES, sinceMs: since.getTime() };
    const lines: string[] = [];
    const signal = AbortSignal.timeout(CLEAR_TIMEOUT_MS);
    // What was said a moment ago may still be on its way into the journal.
    for (let look = 0; look < FAILURE_LOOKS && lines.length === 0; look++) {
      if (look > 0) await clock.sleep(FAILURE_LOOK_EVERY_MS, signal);
      for await (const { text } of journal.read(query, signal)) lines.push(text);
    }
    const said = lines.length === 0 ? '' : `\n${lines.map((line) => `  ${line}`).join('\n')}`;
    return new VoltError(
      'DEPENDENCY',
      `Container '${name}' did not start: ${why ?? toVoltError(cause).message}${said}`,
      {
        hint: `volt logs ${name}`,
        cause,
      },
    );
  }

  /** The unit's own time-out would end a longer grace, and cannot be changed but by a file. */
  async #allowGrace(unit: string, dropIn: string, graceSeconds: number): Promise<void> {
    const { files, systemd } = this.#host;
    await files.makeFolder(dropIn, { mode: 0o755 });
    await files.write(`${dropIn}/grace.conf`, `[Service]\nTimeoutStopSec=${graceSeconds}\n`, { mode: 0o644 });
    await systemd.refresh(unit);
  }

  #exitRecord(name: string): string {
    return `${this.#paths.containers}/${name}/exit`;
  }
}

const isName = (name: string | undefined): boolean => ContainerName.safeParse(name).success;

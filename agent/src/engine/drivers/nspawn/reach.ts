/** Reaching what runs in a container: signals, stillness, and what the kernel counts of it. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerProcess, ContainerUsage } from '@volt/shared/model';
import { CONTAINER_UNITS, containerOfUnit, containerUnit, type Unit } from '@volt/shared/systemd';
import type { Clock, Files, ProcessFacts, Processes, Programs, Systemd } from '../../../host/index.ts';
import { limitProperties, limitsOf } from '../../limits.ts';
import type { Gauges, Reach } from '../driver.ts';

const SIGKILL = 9;
const STOP_TIMEOUT_MS = 60_000;

interface ReachHost {
  readonly systemd: Systemd;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly files: Files;
  readonly programs: Programs;
}

const CGROUPS = '/sys/fs/cgroup';

export class NspawnReach implements Omit<Reach, 'rename'>, Gauges {
  readonly #systemd: Systemd;
  readonly #processes: Processes;
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #programs: Programs;
  /** On the disk that limits of disks are about. */
  readonly #containers: string;

  constructor({ systemd, processes, clock, files, programs }: ReachHost, containers: string) {
    this.#files = files;
    this.#programs = programs;
    this.#containers = containers;
    this.#systemd = systemd;
    this.#processes = processes;
    this.#clock = clock;
  }

  async kill(name: string, signalName: string, signal: AbortSignal): Promise<void> {
    const unit = containerUnit(name);
    if (signalName !== 'SIGKILL') return this.#processes.signal(await this.#leader(name), signalName);
    // systemd 257 refuses to stop what is frozen, and may itself end when such a thing dies.
    const [loaded] = await this.#systemd.list([unit]);
    if (loaded?.isFrozen === true) await this.#systemd.thaw(unit);
    // The stop that follows is what keeps systemd from starting it again.
    await this.#systemd.kill(unit, SIGKILL);
    await this.#systemd.stop(unit, { signal, timeoutMs: STOP_TIMEOUT_MS });
    await this.#systemd.resetFailed(unit);
  }

  async fail(name: string): Promise<void> {
    await this.#systemd.kill(containerUnit(name), SIGKILL);
  }

  async pause(name: string): Promise<void> {
    await this.#systemd.freeze(containerUnit(name));
  }

  async resume(name: string): Promise<void> {
    await this.#systemd.thaw(containerUnit(name));
  }

  async limit({ spec }: ContainerConfig): Promise<void> {
    const unit = containerUnit(spec.name);
    const properties = limitProperties(limitsOf(spec), this.#containers);
    if (properties.length > 0) await this.#systemd.setProperties(unit, properties);
    const ulimits = limitsOf(spec).ulimits ?? [];
    if (ulimits.length === 0) return;
    const options = ulimits.map((ulimit) => `--${ulimit}`);
    const inside = await this.#processes.insideOf(unit);
    // One that ends in the meantime has no limits to change.
    const { signal } = new AbortController();
    const set = ({ pid }: ProcessFacts) =>
      this.#programs.run(['/usr/bin/prlimit', `--pid=${pid}`, ...options], { signal });
    await Promise.all(inside.map(set));
  }

  async reread(name: string): Promise<void> {
    await this.#systemd.refresh(containerUnit(name));
  }

  async controllers(): Promise<ReadonlySet<string>> {
    const all = await this.#files.read(`${CGROUPS}/cgroup.controllers`);
    if (all !== undefined) return new Set(all.split(/\s+/).filter(Boolean));
    // A machine whose controllers have a hierarchy each.
    const old = { cpu: 'cpu', memory: 'memory', pids: 'pids', io: 'blkio' };
    const found = await Promise.all(
      Object.entries(old).map(async ([name, folder]) =>
        (await this.#files.exists(`${CGROUPS}/${folder}`)) ? [name] : [],
      ),
    );
    return new Set(found.flat());
  }

  async processes({ spec: { name }, userns }: ContainerConfig): Promise<ContainerProcess[]> {
    await this.#leader(name);
    return numberedInside(await this.#processes.insideOf(containerUnit(name)), userns);
  }

  async usage(): Promise<ContainerUsage[]> {
    const units = await this.#systemd.list([CONTAINER_UNITS]);
    const named = units.flatMap((unit): { unit: Unit; name: string }[] => {
      const name = containerOfUnit(unit.name);
      return name === undefined || unit.activeState !== 'active' ? [] : [{ unit, name }];
    });
    return Promise.all(
      named.map(async ({ unit, name }) => ({
        name,
        at: this.#clock.now().toISOString(),
        ...(await this.#processes.usageOf(unit.name, unit.mainPid)),
      })),
    );
  }

  /** Its first process, which passes signals on to the program. */
  async #leader(name: string): Promise<number> {
    const [unit] = await this.#systemd.list([containerUnit(name)]);
    const isUp = unit !== undefined && unit.activeState === 'active' && unit.mainPid !== null;
    const leader = isUp ? await this.#processes.leaderOf(unit.mainPid) : undefined;
    if (leader !== undefined) return leader;
    throw new VoltError('CONFLICT', `Container '${name}' is not running`, { hint: `volt container start ${name}` });
  }
}

const states: Readonly<Record<string, ContainerProcess['state']>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting',
  T: 'stopped',
  t: 'stopped',
  Z: 'zombie',
  I: 'idle',
};

/** By number. Nothing of the host's own numbering is left. */
export function numberedInside(
  facts: readonly ProcessFacts[],
  userns: { readonly base: number; readonly size: number },
): ContainerProcess[] {
  const inside = new Map(facts.map(({ pid, pidInside }) => [pid, pidInside]));
  return facts
    .map(({ pidInside, parent, user, state, ...rest }) => ({
      pid: pidInside,
      parent: inside.get(parent) ?? 0,
      user: user - userns.base,
      state: states[state] ?? 'sleeping',
      cpuMillis: rest.cpuMillis,
      memoryBytes: rest.memoryBytes,
      command: rest.command,
    }))
    .filter(({ user }) => user >= 0 && user < userns.size)
    .sort((a, b) => a.pid - b.pid);
}

/** Reaching what runs in a container: signals, stillness, and what the kernel counts of it. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerProcess, ContainerUsage } from '@volt/shared/model';
import { CONTAINER_UNITS, containerOfUnit, containerUnit, type Unit } from '@volt/shared/systemd';
import type { Clock, ProcessFacts, Processes, Systemd } from '../../../host/index.ts';
import type { Gauges, Holds } from '../driver.ts';

const SIGKILL = 9;
const STOP_TIMEOUT_MS = 60_000;

export class NspawnHolds implements Holds, Gauges {
  readonly #systemd: Systemd;
  readonly #processes: Processes;
  readonly #clock: Clock;

  constructor({ systemd, processes, clock }: { systemd: Systemd; processes: Processes; clock: Clock }) {
    this.#systemd = systemd;
    this.#processes = processes;
    this.#clock = clock;
  }

  async kill(name: string, signalName: string, signal: AbortSignal): Promise<void> {
    const unit = containerUnit(name);
    if (signalName !== 'SIGKILL') return this.#processes.signal(await this.#leader(name), signalName);
    // The stop that follows is what keeps systemd from starting it again.
    await this.#systemd.kill(unit, SIGKILL);
    await this.#systemd.stop(unit, { signal, timeoutMs: STOP_TIMEOUT_MS });
    await this.#systemd.resetFailed(unit);
  }

  async pause(name: string): Promise<void> {
    await this.#systemd.freeze(containerUnit(name));
  }

  async resume(name: string): Promise<void> {
    await this.#systemd.thaw(containerUnit(name));
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

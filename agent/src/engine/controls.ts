/** What is done to containers that are there: signals, stillness, waiting, looking inside, clearing away. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerHealth, ContainerProcess, ContainerStatus, ContainerUsage } from '@volt/shared/model';
import type { Clock } from '../host/index.ts';
import type { Driver, Reach, Gauges } from './drivers/driver.ts';
import type { Controls } from './engine.ts';
import { isUp, type Known } from './known.ts';
import { eitherRings } from './bells.ts';
import { isHopeless, isReady, notInTime, notReady } from './ready.ts';
import { rings } from './rings.ts';

export interface ControlsOptions {
  readonly known: Known;
  readonly driver: Driver & Reach & Gauges;
  readonly clock: Clock;
  /** Stops it and removes all of it; in its lane. */
  readonly remove: (name: string, signal: AbortSignal) => Promise<void>;
}

/** What an unhealthy one is given to end by itself, when it does not say. */
const GRACE_SECONDS = 10;

/** Before systemd is asked again after it could not be. */
const BUS_AWAY_MS = 2000;

/** How many ends of deleted containers are remembered for those who still wait for them. */
const ENDS_MAX = 1024;

export class ContainerControls implements Controls {
  readonly #options: ControlsOptions;
  /** With what those ended that were deleted at their end. */
  readonly #ends = new Map<string, number>();

  constructor(options: ControlsOptions) {
    this.#options = options;
  }

  kill(name: string, signalName: string, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#whileUp(name, signal, async () => this.#options.driver.kill(name, signalName, signal));
  }

  pause(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#whileUp(name, signal, async ({ state }) => {
      if (state !== 'paused') await this.#options.driver.pause(name);
    });
  }

  resume(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#whileUp(name, signal, async ({ state }) => {
      if (state === 'paused') await this.#options.driver.resume(name);
    });
  }

  async wait(name: string, signal: AbortSignal): Promise<number> {
    const { known, driver, clock } = this.#options;
    this.#ends.delete(name);
    known.existing(name);
    for await (const _ of rings((stop) => driver.changes(stop), clock, signal)) {
      const end = this.#ends.get(name);
      if (end !== undefined) return end;
      const { state, exitCode } = await known.status(name);
      if (state === 'stopped' || state === 'failed') return exitCode ?? 1;
    }
    signal.throwIfAborted();
    throw new VoltError('INTERRUPTED', `Waiting for '${name}' ended`);
  }

  async untilHealthy(name: string, timeoutMs: number, signal: AbortSignal): Promise<ContainerStatus> {
    const { known, driver, clock } = this.#options;
    const isChecked = known.existing(name).health !== undefined;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    void clock.sleep(timeoutMs, either).then(() => over.abort());
    const listen = (listener: () => void) => known.healths.listen(listener);
    const changes = (stop: AbortSignal) => eitherRings((end) => driver.changes(end), listen, stop);
    try {
      for await (const _ of rings(changes, clock, either)) {
        const status = await known.status(name);
        if (isReady(status, isChecked)) return status;
        if (isHopeless(status)) throw notReady(status, this.#healthOf(status));
      }
      signal.throwIfAborted();
      throw notInTime(name, timeoutMs, this.#healthOf(await known.status(name)));
    } finally {
      over.abort();
    }
  }

  async fail(name: string, run: string, signal: AbortSignal): Promise<void> {
    const { known, driver, clock } = this.#options;
    const whileSame = (act: () => Promise<void>) =>
      known.on(name, signal, async () => {
        const { state, startedAt } = await known.status(name);
        if (state === 'running' && startedAt === run) await act();
      });
    const { spec, stopSignal } = known.existing(name);
    // An end at its stop signal is a good one, after which this policy would leave it so.
    if (!spec.restart.startsWith('on-failure')) {
      await whileSame(() => driver.kill(name, stopSignal, signal));
      await clock.sleep((spec.stopTimeout ?? GRACE_SECONDS) * 1000, signal);
    }
    if (!signal.aborted) await whileSame(() => driver.fail(name));
  }

  note(name: string, signal: AbortSignal): Promise<void> {
    const { known } = this.#options;
    return known.on(name, signal, async () => void (await known.noted(name)));
  }

  #healthOf(status: ContainerStatus): ContainerHealth | undefined {
    const { known } = this.#options;
    return known.healths.of(known.existing(status.name), status);
  }

  async processes(name: string): Promise<ContainerProcess[]> {
    return this.#options.driver.processes(this.#options.known.existing(name));
  }

  async usage(names: readonly string[]): Promise<ContainerUsage[]> {
    const { known, driver } = this.#options;
    for (const name of names) known.existing(name);
    const usages = await driver.usage();
    const isAsked = (name: string) => names.length === 0 || names.includes(name);
    return usages.filter(({ name }) => isAsked(name) && known.ledger.get(name) !== undefined);
  }

  async prune(isDryRun: boolean, signal: AbortSignal): Promise<ContainerStatus[]> {
    const { known, remove } = this.#options;
    const isOver = async (name: string) => {
      const config = known.ledger.get(name);
      if (config === undefined || config.assignment !== null) return undefined;
      const status = await known.status(name);
      return status.state === 'stopped' || status.state === 'failed' ? status : undefined;
    };
    const names = known.ledger.all().map(({ spec }) => spec.name);
    const pruned = await Promise.all(
      names.map((name) =>
        known.lanes.run(name, signal, async () => {
          const status = await isOver(name);
          if (status !== undefined && !isDryRun) await remove(name, signal);
          return status;
        }),
      ),
    );
    return pruned.filter((status) => status !== undefined);
  }

  async tend(signal: AbortSignal): Promise<void> {
    const { known, driver, clock } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const _ of rings((stop) => driver.changes(stop), clock, signal)) {
          const brief = known.ledger.all().filter(({ spec }) => spec.rm === true);
          await Promise.all(brief.map(({ spec }) => this.#removeEnded(spec.name, signal)));
        }
      } catch (thrown) {
        if (signal.aborted) return;
        // The bus may be away for a while; what ended then is seen when it is back.
        if (!(thrown instanceof VoltError)) throw thrown;
        await clock.sleep(BUS_AWAY_MS, signal);
      }
    }
  }

  /** What goes wrong is tried again at the next look. */
  async #removeEnded(name: string, signal: AbortSignal): Promise<void> {
    const { known, remove } = this.#options;
    try {
      await known.on(name, signal, async () => {
        const { state, exitCode } = await known.status(name);
        if (state !== 'stopped' && state !== 'failed') return;
        this.#ends.set(name, exitCode ?? 1);
        if (this.#ends.size > ENDS_MAX) this.#ends.delete(this.#ends.keys().next().value!);
        await remove(name, signal);
      });
    } catch (thrown) {
      if (!(thrown instanceof VoltError)) throw thrown;
    }
  }

  #whileUp(
    name: string,
    signal: AbortSignal,
    act: (status: ContainerStatus) => Promise<void>,
  ): Promise<ContainerStatus> {
    const { known } = this.#options;
    return known.on(name, signal, async () => {
      const status = await known.status(name);
      if (!isUp(status.state)) {
        throw new VoltError('CONFLICT', `Container '${name}' is ${status.state}`, {
          hint: `volt container start ${name}`,
        });
      }
      await act(status);
      return known.noted(name);
    });
  }
}

/**
 * Checks the containers that ask for it, for as long as the agent lives.
 *
 * Each run of a container has a watch of its own, which ends with the run. Only
 * so many checks run at once; while no container has one, nothing is done.
 */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, HealthCheck } from '@volt/shared/model';
import { rings, type Engine } from '../engine/index.ts';
import type { Clock } from '../host/index.ts';
import type { HealthBook } from './book.ts';
import { decide, delayMs, type HealthRecord } from './decide.ts';
import { probe, type Answer } from './probe.ts';

export interface MonitorPorts {
  readonly engine: Pick<Engine, 'checked' | 'observe' | 'changes' | 'exec' | 'controls'>;
  readonly book: HealthBook;
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Between 0 and 1. */
  readonly chance?: () => number;
  readonly ask?: typeof probe;
}

/** A check of a program costs some 10 ms of a processor; more at once would be felt by what they check. */
export const CHECKS_AT_ONCE_MAX = 8;
/** Before systemd is asked again after it could not be. */
const BUS_AWAY_MS = 2000;

interface Watch {
  readonly run: string;
  readonly over: AbortController;
  readonly done: Promise<void>;
}

export class HealthMonitor {
  readonly #ports: MonitorPorts;
  readonly #watches = new Map<string, Watch>();
  readonly #waiting: (() => void)[] = [];
  #checking = 0;

  constructor(ports: MonitorPorts) {
    this.#ports = ports;
  }

  /** Runs until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#ports;
    while (!signal.aborted) {
      try {
        for await (const _ of rings((stop) => engine.changes(stop), clock, signal)) await this.#look();
      } catch (thrown) {
        if (!(thrown instanceof VoltError)) throw thrown;
        await clock.sleep(BUS_AWAY_MS, signal);
      }
    }
    const all = [...this.#watches.values()];
    for (const { over } of all) over.abort();
    await Promise.all(all.map(({ done }) => done));
  }

  async #look(): Promise<void> {
    const { engine } = this.#ports;
    const isIdle = engine.checked().length === 0;
    const observed = isIdle ? [] : await engine.observe();
    const running = new Map(
      observed.flatMap(({ status: { name, state, startedAt }, config }) =>
        config.health !== undefined && state === 'running' && startedAt !== null
          ? [[name, { run: startedAt, config, check: config.health }] as const]
          : [],
      ),
    );
    for (const [name, watch] of this.#watches) {
      if (running.get(name)?.run === watch.run) continue;
      watch.over.abort();
      this.#watches.delete(name);
    }
    for (const [name, { run, config, check }] of running) {
      if (this.#watches.has(name)) continue;
      const over = new AbortController();
      this.#watches.set(name, { run, over, done: this.#watch(config, check, run, over.signal) });
    }
  }

  async #watch(config: ContainerConfig, check: HealthCheck, run: string, signal: AbortSignal): Promise<void> {
    const { book, clock, log, chance = Math.random } = this.#ports;
    const { name } = config.spec;
    let record = book.open(name, run);
    while (!signal.aborted) {
      await clock.sleep(delayMs(record, check, clock.now(), chance()), signal);
      try {
        const next = await this.#check(config, check, record, signal);
        if (next === undefined) return;
        const { state } = record;
        record = next;
        if (state !== next.state) await this.#becomes(config, check, next, signal);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof VoltError)) throw thrown;
        log.warn({ name, code: thrown.code, message: thrown.message }, 'A check was not made; the next one will be');
        // A machine whose disk is full, say, must not be asked again at once.
        await clock.sleep(check.intervalMs, signal);
      }
    }
  }

  /** Undefined when the run ended in the meantime: what was found then says nothing. */
  async #check(
    config: ContainerConfig,
    check: HealthCheck,
    record: HealthRecord,
    signal: AbortSignal,
  ): Promise<HealthRecord | undefined> {
    const { engine, book, clock, ask = probe } = this.#ports;
    await this.#enter();
    let answer: Answer;
    const began = clock.now().getTime();
    try {
      if (signal.aborted) return undefined;
      answer = await ask(config, check, (...all) => engine.exec(...all), signal);
    } finally {
      this.#leave();
    }
    if (signal.aborted) return undefined;
    const now = clock.now();
    const next = decide(record, check, { ...answer, tookMs: Math.max(0, now.getTime() - began) }, now);
    await book.put(config.spec.name, next);
    return next;
  }

  async #becomes(
    { spec: { name } }: ContainerConfig,
    check: HealthCheck,
    { state, run, failures, results }: HealthRecord,
    signal: AbortSignal,
  ): Promise<void> {
    const { engine, log } = this.#ports;
    const isBad = state === 'unhealthy';
    const said = isBad ? { failures, output: results.at(-1)?.output } : {};
    log[isBad ? 'warn' : 'info']({ name, ...said }, `Container is ${state}`);
    await engine.controls.note(name, signal);
    if (isBad && check.restart) await engine.controls.fail(name, run, signal);
  }

  async #enter(): Promise<void> {
    if (this.#checking < CHECKS_AT_ONCE_MAX) {
      this.#checking += 1;
      return;
    }
    // Whoever leaves hands over its place, so the count stays.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#checking -= 1;
    else next();
  }
}

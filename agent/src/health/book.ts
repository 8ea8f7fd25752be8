/**
 * What is remembered of each container's health: in memory, and under /run for
 * the agent that comes after this one. After a restart of the machine every
 * container begins anew, and so does this.
 */
import type { ContainerConfig, ContainerHealth } from '@volt/shared/model';
import type { Healths, ObservedRun } from '../engine/index.ts';
import type { Clock, Files } from '../host/index.ts';
import { begin, HealthRecord, shown } from './decide.ts';

const FOLDER = '/run/volt/health';

export class HealthBook implements Healths {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #records = new Map<string, HealthRecord>();
  /** The last write of each, which a removal must not overtake. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #listeners = new Set<() => void>();

  constructor(files: Files, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Reads what an earlier agent knew of these; all else is cleared away. */
  async load(names: ReadonlySet<string>): Promise<void> {
    await this.#files.makeFolder(FOLDER, { mode: 0o755 });
    for (const file of await this.#files.list(FOLDER)) {
      const name = /^([a-z0-9-]+)\.json$/.exec(file)?.[1];
      const record = name === undefined || !names.has(name) ? undefined : await this.#read(name);
      if (name !== undefined && record !== undefined) this.#records.set(name, record);
      else await this.#files.remove(`${FOLDER}/${file}`);
    }
  }

  of({ spec, health }: ContainerConfig, observed: ObservedRun | undefined): ContainerHealth | undefined {
    if (health === undefined || observed?.startedAt == null) return undefined;
    if (observed.state !== 'running' && observed.state !== 'paused') return undefined;
    const known = this.#records.get(spec.name);
    const record = known?.run === observed.startedAt ? known : begin(observed.startedAt);
    const now = shown(record, health, this.#clock.now());
    return observed.state === 'paused' ? { ...now, state: 'unknown' } : now;
  }

  /** The record of this run; what was known of an earlier one is over. */
  open(name: string, run: string): HealthRecord {
    const known = this.#records.get(name);
    if (known?.run === run) return known;
    const record = begin(run);
    this.#records.set(name, record);
    return record;
  }

  /** Of a run that is over, or a container that is gone, nothing is written. */
  async put(name: string, record: HealthRecord): Promise<void> {
    const known = this.#records.get(name);
    if (known?.run !== record.run) return;
    this.#records.set(name, record);
    if (known.state !== record.state) for (const listener of this.#listeners) listener();
    const text = `${JSON.stringify(record)}\n`;
    const writing = this.#files.write(`${FOLDER}/${name}.json`, text, { mode: 0o600, durable: false });
    this.#writes.set(name, writing);
    try {
      await writing;
    } finally {
      if (this.#writes.get(name) === writing) this.#writes.delete(name);
    }
  }

  async forget(name: string): Promise<void> {
    this.#records.delete(name);
    await this.#writes.get(name)?.catch(() => undefined);
    await this.#files.remove(`${FOLDER}/${name}.json`);
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #read(name: string): Promise<HealthRecord | undefined> {
    try {
      return HealthRecord.parse(JSON.parse((await this.#files.read(`${FOLDER}/${name}.json`)) ?? ''));
    } catch {
      // It is asked again within moments.
      return undefined;
    }
  }
}

import { jobError, type Unit, type UnitProperty } from '@volt/shared/systemd';
import { VoltError } from '@volt/shared/errors';
import { Doorbell } from './doorbell.ts';
import type { Files } from './files.ts';
import type { JobOptions, Systemd } from './systemd.ts';

/** systemd in memory: a unit exists when its file does, and does what `programs` says of it. */
export class FakeSystemd implements Systemd {
  readonly units = new Map<string, Unit>();
  /** What a unit's program does when it is started; it runs unless something is said. */
  readonly programs = new Map<string, 'runs' | 'fails' | 'ends well' | 'ignores TERM'>();
  /** What was last set of a unit that ran. */
  readonly properties = new Map<string, readonly UnitProperty[]>();
  readonly #files: Files;
  readonly #folder: string;
  readonly #bells = new Set<Doorbell>();
  #lastPid = 100;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  async start(name: string, { signal }: JobOptions): Promise<void> {
    signal.throwIfAborted();
    if (!(await this.#files.exists(`${this.#folder}/${name}`))) {
      throw new VoltError('NOT_FOUND', `systemd refused: Unit ${name} not found.`);
    }
    const unit = this.units.get(name);
    if (unit?.activeState === 'active') return;
    const pid = ++this.#lastPid;
    switch (this.programs.get(name) ?? 'runs') {
      case 'fails':
        this.#set(name, { activeState: 'failed', result: 'exit-code', exitCode: 1, mainPid: null });
        throw jobError(name, 'start', 'failed');
      case 'ends well':
        this.#set(name, { activeState: 'inactive', result: 'success', exitCode: 0, mainPid: null });
        return;
      default:
        this.#set(name, { activeState: 'active', result: 'success', exitCode: null, mainPid: pid });
    }
  }

  async stop(name: string, { signal }: JobOptions): Promise<void> {
    const unit = this.units.get(name);
    if (unit?.activeState !== 'active') return;
    if (this.programs.get(name) === 'ignores TERM') {
      this.#set(name, { activeState: 'deactivating' });
      await this.#until(name, signal);
      return;
    }
    this.#set(name, { activeState: 'inactive', exitCode: 143, mainPid: null });
  }

  async kill(name: string): Promise<void> {
    if (this.units.get(name)?.mainPid == null) return;
    this.#set(name, { activeState: 'failed', result: 'signal', exitCode: 137, mainPid: null });
  }

  async freeze(name: string): Promise<void> {
    this.#set(name, { isFrozen: true });
  }

  async thaw(name: string): Promise<void> {
    this.#set(name, { isFrozen: false });
  }

  async setProperties(name: string, properties: readonly UnitProperty[]): Promise<void> {
    this.properties.set(name, properties);
  }

  async resetFailed(name: string): Promise<void> {
    if (this.units.get(name)?.activeState === 'failed') this.#set(name, { activeState: 'inactive' });
  }

  async refresh(_name: string): Promise<void> {}

  async list(patterns: readonly string[]): Promise<Unit[]> {
    const matches = patterns.map((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
    const found = [...this.units.values()].filter(({ name }) => matches.some((match) => match.test(name)));
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async *changes(_prefix: string, signal: AbortSignal): AsyncGenerator<void> {
    const bell = new Doorbell();
    this.#bells.add(bell);
    try {
      yield* bell.wakes(signal);
    } finally {
      this.#bells.delete(bell);
    }
  }

  #set(name: string, change: Partial<Unit>): void {
    const before = this.units.get(name) ?? {
      name,
      description: '',
      loadState: 'loaded',
      activeState: 'inactive',
      subState: '',
      result: 'success',
      mainPid: null,
      exitCode: null,
      startedAtMs: 1_700_000_000_000,
      restarts: 0,
      isFrozen: false,
    };
    this.units.set(name, { ...before, ...change });
    for (const bell of this.#bells) bell.ring();
  }

  async #until(name: string, signal: AbortSignal): Promise<void> {
    for await (const _ of this.changes(name, signal)) {
      if (this.units.get(name)?.activeState !== 'deactivating') return;
    }
  }
}

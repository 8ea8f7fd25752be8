import { toVoltError, VoltError } from '@volt/shared/errors';
import {
  jobError,
  listUnits,
  setUnitProperties,
  systemdCall,
  type BusSignal,
  type SystemBus,
  type Unit,
  type UnitProperty,
} from '@volt/shared/systemd';
import { Doorbell } from './doorbell.ts';
import type { JobOptions, Systemd } from './systemd.ts';

const JOB_REMOVED =
  "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
const UNIT_CHANGED =
  "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.DBus.Properties'," +
  "member='PropertiesChanged',path_namespace='/org/freedesktop/systemd1/unit'";

/** More jobs than may be under way at once; the oldest results beyond are of jobs nobody waits for. */
const RESULTS_MAX = 4096;

const RELOAD_TIMEOUT_MS = 60_000;

/** systemd over its bus. The connection is handed in; nothing is asked before the first call. */
export class BusSystemd implements Systemd {
  readonly #bus: SystemBus;
  /** Results that came before their job's name did, and those who wait for one. */
  readonly #results = new Map<string, string>();
  readonly #waiting = new Map<string, (result: string | VoltError) => void>();
  #listening: Promise<unknown> | undefined;

  constructor(bus: SystemBus) {
    this.#bus = bus;
  }

  async start(unit: string, options: JobOptions): Promise<void> {
    await this.#job('StartUnit', unit, 'start', options);
  }

  async stop(unit: string, options: JobOptions): Promise<void> {
    await absentIsFine(this.#job('StopUnit', unit, 'stop', options));
  }

  async kill(unit: string, signal: number): Promise<void> {
    await absentIsFine(this.#bus.call(systemdCall('KillUnit', 'ssi', unit, 'all', signal)));
  }

  async freeze(unit: string): Promise<void> {
    await this.#bus.call(systemdCall('FreezeUnit', 's', unit));
  }

  async thaw(unit: string): Promise<void> {
    await this.#bus.call(systemdCall('ThawUnit', 's', unit));
  }

  setProperties(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    return setUnitProperties(this.#bus, unit, properties);
  }

  async resetFailed(unit: string): Promise<void> {
    await absentIsFine(this.#bus.call(systemdCall('ResetFailedUnit', 's', unit)));
  }

  async refresh(unit: string): Promise<void> {
    const path = await this.#loaded(unit);
    // What is not loaded is read when it is started.
    if (path === undefined) return;
    const [stale] = await this.#bus.call({
      destination: 'org.freedesktop.systemd1',
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: ['org.freedesktop.systemd1.Unit', 'NeedDaemonReload'],
    });
    if (!(stale as { value: boolean }).value) return;
    await this.#bus.call({ ...systemdCall('Reload'), timeoutMs: RELOAD_TIMEOUT_MS });
  }

  list(patterns: readonly string[]): Promise<Unit[]> {
    return listUnits(this.#bus, patterns);
  }

  async *changes(prefix: string, signal: AbortSignal): AsyncGenerator<void> {
    const bell = new Doorbell();
    const path = `/org/freedesktop/systemd1/unit/${escapedForPath(prefix)}`;
    const unsubscribe = await this.#bus.subscribe({
      match: UNIT_CHANGED,
      onSignal: (heard) => void (heard.path.startsWith(path) && bell.ring()),
      // What happened while the bus was away is unknown, so look again.
      onLost: () => bell.ring(),
    });
    try {
      yield* bell.wakes(signal);
    } finally {
      unsubscribe();
    }
  }

  /** Listens before it queues the job, or a quick job would end unheard. */
  async #job(member: string, unit: string, verb: string, { signal, timeoutMs }: JobOptions): Promise<void> {
    signal.throwIfAborted();
    this.#listening ??= this.#listen();
    await this.#listening;
    const [job] = await this.#bus.call(systemdCall(member, 'ss', unit, 'replace'));
    const result = await this.#resultOf(job as string, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    if (result === undefined) {
      signal.throwIfAborted();
      throw new VoltError('TIMEOUT', `'${unit}' did not ${verb} within ${timeoutMs / 1000} s`);
    }
    if (result instanceof VoltError) throw result;
    if (result !== 'done') throw jobError(unit, verb, result);
  }

  async #loaded(unit: string): Promise<string | undefined> {
    try {
      const [path] = await this.#bus.call(systemdCall('GetUnit', 's', unit));
      return path as string;
    } catch (thrown) {
      if (toVoltError(thrown).code === 'NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  async #listen(): Promise<void> {
    try {
      await this.#bus.subscribe({
        match: JOB_REMOVED,
        onSignal: (heard) => this.#onSignal(heard),
        onLost: () => this.#onLost(),
      });
    } catch (thrown) {
      this.#listening = undefined;
      throw thrown;
    }
  }

  #onSignal({ member, body }: BusSignal): void {
    if (member !== 'JobRemoved') return;
    const [, job, , result] = body as [number, string, string, string];
    const waiter = this.#waiting.get(job);
    if (waiter !== undefined) return waiter(result);
    this.#results.set(job, result);
    if (this.#results.size > RESULTS_MAX) this.#results.delete(this.#results.keys().next().value!);
  }

  #onLost(): void {
    this.#results.clear();
    const lost = new VoltError('TIMEOUT', 'The system bus closed before the job ended');
    for (const waiter of [...this.#waiting.values()]) waiter(lost);
  }

  /** Undefined when the signal fired first. */
  async #resultOf(job: string, stopped: AbortSignal): Promise<string | VoltError | undefined> {
    const early = this.#results.get(job);
    if (early !== undefined) {
      this.#results.delete(job);
      return early;
    }
    const { promise, resolve } = Promise.withResolvers<string | VoltError | undefined>();
    const stop = () => resolve(undefined);
    this.#waiting.set(job, resolve);
    stopped.addEventListener('abort', stop, { once: true });
    try {
      return await promise;
    } finally {
      this.#waiting.delete(job);
      stopped.removeEventListener('abort', stop);
    }
  }
}

async function absentIsFine(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (thrown) {
    if (toVoltError(thrown).code !== 'NOT_FOUND') throw thrown;
  }
}

/** How systemd writes a unit's name in an object path. */
function escapedForPath(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

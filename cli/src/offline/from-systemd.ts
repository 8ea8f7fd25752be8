import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { InstanceRow, LogLine, ServiceStatus } from '@volt/shared/rpc';
import type { ContainerUsage } from '@volt/shared/model';
import type { journal, SystemBus, Unit, unitUsage } from '@volt/shared/systemd';
import type { LogQuery, Offline } from './offline.ts';

/** The part of @volt/shared/systemd that is read here. It is loaded when it is first needed. */
export interface Systemd {
  listUnits(patterns: readonly string[]): Promise<Unit[]>;
  journal: typeof journal;
  unitUsage: typeof unitUsage;
}

export interface FromSystemdOptions {
  readonly systemd?: () => Promise<Systemd>;
  /** Where the containers of the node are defined. */
  readonly folder?: string;
  readonly healthFolder?: string;
  readonly node?: string;
}

const CONTAINERS_FOLDER = '/var/lib/volt/containers';
/** What the agent writes of each check. */
const HEALTH_FOLDER = '/run/volt/health';

/** What is read of a config.json; any of it may be missing, and all of it may be unreadable. */
interface Config {
  readonly spec?: { readonly image?: string; readonly labels?: Record<string, string> };
  readonly network?: { readonly address?: string };
  readonly assignment?: { readonly workload?: string } | null;
  readonly health?: object;
  readonly id?: string;
  readonly createdAt?: string;
}

export class FromSystemd implements Offline {
  readonly answers = {
    'instance.list': async (params: object = {}) => {
      const { filters = [] } = params as { filters?: readonly string[] };
      const { passes } = await import('@volt/shared/rpc');
      return (await this.#instances()).filter((row) => passes(filters, row, row.labels));
    },
    'container.stats': (params: object) => this.#usage((params as { names?: readonly string[] }).names ?? []),
    'service.list': (params: object) => this.#services((params as { all?: boolean }).all === true),
  };
  readonly #systemd: () => Promise<Systemd>;
  readonly #folder: string;
  readonly #healthFolder: string;
  readonly #node: string;

  constructor(options: FromSystemdOptions = {}) {
    const { systemd = realSystemd, folder = CONTAINERS_FOLDER, node = hostname() } = options;
    this.#healthFolder = options.healthFolder ?? HEALTH_FOLDER;
    this.#systemd = systemd;
    this.#folder = folder;
    this.#node = node;
  }

  async *logs({ name, ...wanted }: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    const { journal } = await this.#systemd();
    const { containerJournal } = await import('@volt/shared/systemd');
    if (!(await this.#isKnown(name))) throw new VoltError('NOT_FOUND', `There is no container '${name}'`);
    const { id, createdAt } = await this.#config(name);
    for await (const line of journal(containerJournal({ name, id, createdAt }, wanted), signal)) {
      yield { at: line.at.toISOString(), name, text: line.text };
    }
  }

  async #isKnown(name: string): Promise<boolean> {
    const [names, units] = await Promise.all([this.#defined(), this.#containerUnits()]);
    // A folder that may not be read proves nothing; the journal then has the last word.
    return names === undefined || names.includes(name) || units.has(name);
  }

  async #instances(): Promise<InstanceRow[]> {
    const { containerState, failureOf } = await import('@volt/shared/systemd');
    const [defined = [], units] = await Promise.all([this.#defined(), this.#containerUnits()]);
    const names = [...new Set([...defined, ...units.keys()])].toSorted();
    return Promise.all(
      names.map(async (name) => {
        const unit = units.get(name);
        const [config, hasRun] = await Promise.all([this.#config(name), this.#hasRun(name)]);
        const labels = config.spec?.labels ?? {};
        const isChecked = config.health !== undefined && unit?.activeState === 'active';
        return {
          name,
          node: this.#node,
          workload: config.assignment?.workload ?? null,
          state: containerState(unit, hasRun),
          address: config.network?.address ?? null,
          image: config.spec?.image ?? '-',
          reason: unit === undefined ? null : failureOf(unit),
          // Nobody checks at this moment, so nobody knows; but when it was last known can be told.
          ...(isChecked ? { health: 'unknown' as const, checkedAt: await this.#checkedAt(name) } : {}),
          ...(Object.keys(labels).length > 0 && { labels }),
          startedAt: typeof unit?.startedAtMs === 'number' ? new Date(unit.startedAtMs).toISOString() : null,
        };
      }),
    );
  }

  async #usage(names: readonly string[]): Promise<ContainerUsage[]> {
    const systemd = await this.#systemd();
    const units = await this.#containerUnits();
    const unknown = names.find((name) => !units.has(name));
    if (unknown !== undefined) throw new VoltError('NOT_FOUND', `No container '${unknown}' runs`);
    const running = [...units].filter(
      ([name, unit]) => unit.activeState === 'active' && (names.length === 0 || names.includes(name)),
    );
    return Promise.all(
      running.map(async ([name, unit]) => ({
        name,
        at: new Date().toISOString(),
        ...(await systemd.unitUsage({ name: unit.name, pid: unit.mainPid })),
      })),
    );
  }

  async #services(all: boolean): Promise<ServiceStatus[]> {
    const systemd = await this.#systemd();
    const { serviceStatuses } = await import('@volt/shared/systemd');
    return serviceStatuses(await systemd.listUnits(['*.service']), all);
  }

  async #containerUnits(): Promise<Map<string, Unit>> {
    const systemd = await this.#systemd();
    const { CONTAINER_UNITS, containerOfUnit } = await import('@volt/shared/systemd');
    const units = await systemd.listUnits([CONTAINER_UNITS]);
    return new Map(
      units.flatMap((unit) => {
        const name = containerOfUnit(unit.name);
        return name === undefined ? [] : [[name, unit] as const];
      }),
    );
  }

  async #defined(): Promise<string[] | undefined> {
    try {
      const entries = await readdir(this.#folder, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    } catch {
      return undefined;
    }
  }

  /** Its unit writes down how each run ended, and systemd forgets. */
  async #hasRun(name: string): Promise<boolean> {
    try {
      return (await stat(join(this.#folder, name, 'exit'))).size > 0;
    } catch {
      return false;
    }
  }

  async #checkedAt(name: string): Promise<string | null> {
    try {
      const text = await readFile(join(this.#healthFolder, `${name}.json`), 'utf8');
      return (JSON.parse(text) as { results: { at: string }[] }).results.at(-1)?.at ?? null;
    } catch {
      return null;
    }
  }

  async #config(name: string): Promise<Config> {
    try {
      return JSON.parse(await readFile(join(this.#folder, name, 'config.json'), 'utf8')) as Config;
    } catch {
      return {};
    }
  }
}

/** One connection for each question: asked once or twice, it is not worth keeping. */
async function realSystemd(): Promise<Systemd> {
  const { journal, listUnits, SystemBus, unitUsage } = await import('@volt/shared/systemd');
  return {
    journal,
    unitUsage,
    async listUnits(patterns) {
      const bus: SystemBus = new SystemBus();
      try {
        return await listUnits(bus, patterns);
      } finally {
        bus.close();
      }
    },
  };
}

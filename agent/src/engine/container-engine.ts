import { isDeepStrictEqual } from 'node:util';
import { toVoltError, VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import type { ContainerConfig, ContainerSpec, ContainerStatus } from '@volt/shared/model';
import type { LogLine } from '@volt/shared/rpc';
import type { Clock, Files } from '../host/index.ts';
import type { Network } from '../network/index.ts';
import { place, resolveConfig } from './config.ts';
import type { Driver, ObservedContainer } from './drivers/driver.ts';
import type {
  Engine,
  ExecIo,
  ExecRequest,
  Images,
  LogOptions,
  Observed,
  Recovery,
  ResolvedImage,
  Wanted,
} from './engine.ts';
import { Lanes } from './lanes.ts';
import { Ledger } from './ledger.ts';

export interface EngineOptions {
  readonly files: Files;
  readonly driver: Driver;
  readonly images: Images;
  readonly network: Pick<Network, 'place'>;
  readonly clock: Clock;
  readonly containers: string;
}

/** How long a container is given when nobody says: on replacement and on forced deletion. */
const GRACE_SECONDS = 10;

export class ContainerEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #ledger: Ledger;
  readonly #lanes = new Lanes();
  /** Configs that have an address and a slot, but are not in the ledger yet. */
  readonly #placed = new Map<string, ContainerConfig>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.files, options.containers);
  }

  create(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#lanes.run(spec.name, signal, async () => {
      await this.#create(spec, signal);
      return this.#status(spec.name);
    });
  }

  run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#lanes.run(spec.name, signal, async () => {
      await this.#create(spec, signal);
      return this.#start(spec.name, signal);
    });
  }

  start(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#onExisting(name, signal, () => this.#start(name, signal));
  }

  stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#onExisting(name, signal, () => this.#stop(name, graceSeconds, signal));
  }

  restart(name: string, graceSeconds: number, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#onExisting(name, signal, async () => {
      await this.#stop(name, graceSeconds, signal);
      return this.#start(name, signal);
    });
  }

  delete(name: string, force: boolean, signal: AbortSignal): Promise<{ name: string; deleted: boolean }> {
    return this.#lanes.run(name, signal, async () => {
      if (this.#ledger.get(name) === undefined) return { name, deleted: false };
      const { state } = await this.#status(name);
      if (!force && isUp(state)) {
        throw new VoltError('CONFLICT', `Container '${name}' is ${state}`, {
          hint: `volt container stop ${name}, or volt container delete ${name} --force`,
        });
      }
      await this.#remove(name, signal);
      return { name, deleted: true };
    });
  }

  async list(): Promise<ContainerStatus[]> {
    return (await this.observe()).map(({ status }) => status);
  }

  async observe(): Promise<Observed[]> {
    const observed = new Map((await this.#options.driver.list()).map((one) => [one.name, one]));
    return this.#ledger.all().map((config) => ({
      config,
      status: statusOf(config, observed.get(config.spec.name)),
    }));
  }

  async inspect(name: string): Promise<Observed> {
    const config = this.#existing(name);
    return { config, status: await this.#status(name) };
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    this.#existing(name);
    yield* this.#options.driver.logs(name, options, signal);
  }

  async exec(name: string, request: ExecRequest, io: ExecIo, signal: AbortSignal): Promise<number> {
    // Not in the name's lane: a shell left open must not keep the container from being stopped.
    return this.#options.driver.exec(this.#existing(name), request, io, signal);
  }

  ensure(wanted: Wanted, signal: AbortSignal): Promise<ContainerStatus> {
    const { name } = wanted.spec;
    return this.#lanes.run(name, signal, async () => {
      const present = this.#ledger.get(name);
      if (present !== undefined && present.assignment === null) {
        throw new VoltError('CONFLICT', `Container '${name}' exists and is not the cluster's`, {
          hint: `volt container delete ${name}`,
        });
      }
      if (present !== undefined && !isSameWork(present, wanted)) await this.#remove(name, signal);
      const kept = this.#ledger.get(name);
      if (kept === undefined) await this.#create(wanted.spec, signal, wanted);
      else if (!isDeepStrictEqual(kept.assignment, wanted.assignment)) {
        await this.#ledger.put({ ...kept, assignment: wanted.assignment });
      }
      const status = await this.#status(name);
      return isUp(status.state) ? status : this.#start(name, signal);
    });
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    return this.#options.driver.changes(signal);
  }

  async recover(signal: AbortSignal): Promise<Recovery> {
    const { driver } = this.#options;
    await driver.prepare(signal);
    await this.#ledger.load();
    const leftOver = (await driver.list()).filter(({ name }) => this.#ledger.get(name) === undefined);
    const failed = new Map<string, VoltError>();
    const each = async (names: readonly string[], act: (name: string) => Promise<void>): Promise<string[]> => {
      const done: string[] = [];
      const one = async (name: string) => {
        try {
          await this.#lanes.run(name, signal, () => act(name));
          done.push(name);
        } catch (thrown) {
          failed.set(name, toVoltError(thrown));
        }
      };
      await Promise.all(names.map(one));
      signal.throwIfAborted();
      return done.sort();
    };
    const removed = await each(
      leftOver.map(({ name }) => name),
      async (name) => {
        await driver.stop(name, GRACE_SECONDS, signal);
        await driver.remove(name);
      },
    );
    const repaired = await each(
      this.#ledger.all().map(({ spec }) => spec.name),
      async (name) => {
        const config = this.#existing(name);
        await driver.install(config, await this.#options.images.ensureLower(config.image.tree, signal));
      },
    );
    return { removed, repaired, failed };
  }

  async #create(spec: ContainerSpec, signal: AbortSignal, wanted?: Wanted): Promise<void> {
    const { images, driver, clock } = this.#options;
    const present = this.#ledger.get(spec.name);
    if (present !== undefined) throw nameTaken(present);
    const image = wanted === undefined ? await images.resolve(spec.image) : await images.open(wanted.image.manifest);
    const lower = await images.ensureLower(image.tree, signal);
    const assignment = wanted?.assignment ?? null;
    const accounts = await this.#accounts(image);
    const resolved = resolveConfig({ spec, image, accounts, assignment, now: clock.now() });
    signal.throwIfAborted();
    // No wait between reading who has what and reserving it.
    const others = [...this.#ledger.all(), ...this.#placed.values()];
    const config = place(resolved, others, (used) => this.#options.network.place(used));
    this.#placed.set(spec.name, config);
    try {
      await this.#ledger.put(config);
      await driver.install(config, lower);
    } catch (thrown) {
      await this.#undo(spec.name);
      throw thrown;
    } finally {
      this.#placed.delete(spec.name);
    }
  }

  /** What cannot be removed here is removed when the agent starts; the caller is told of the first failure. */
  async #undo(name: string): Promise<void> {
    await this.#ledger
      .remove(name)
      .then(() => this.#options.driver.remove(name))
      .catch(() => undefined);
  }

  async #accounts({ config, tree }: ResolvedImage): Promise<{ passwd: string; group: string }> {
    if (config.user === '') return { passwd: '', group: '' };
    const { images } = this.#options;
    const read = async (name: string) => (await images.readFile(tree, `etc/${name}`)) ?? '';
    return { passwd: await read('passwd'), group: await read('group') };
  }

  async #start(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    // There already, but where it was lost, or made in a way that this kernel cannot mount.
    await this.#options.images.ensureLower(this.#existing(name).image.tree, signal);
    await this.#options.driver.start(name, signal);
    return this.#noted(name);
  }

  async #stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<ContainerStatus> {
    const { state } = await this.#status(name);
    if (isUp(state) || state === 'stopping') await this.#options.driver.stop(name, graceSeconds, signal);
    return this.#noted(name);
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    const { driver } = this.#options;
    await driver.stop(name, GRACE_SECONDS, signal);
    await this.#ledger.remove(name);
    await driver.remove(name);
  }

  async #noted(name: string): Promise<ContainerStatus> {
    const status = await this.#status(name);
    await this.#ledger.note(status);
    return status;
  }

  async #status(name: string): Promise<ContainerStatus> {
    return statusOf(this.#existing(name), await this.#options.driver.observe(name));
  }

  #onExisting<T>(name: string, signal: AbortSignal, operate: () => Promise<T>): Promise<T> {
    return this.#lanes.run(name, signal, () => {
      this.#existing(name);
      return operate();
    });
  }

  #existing(name: string): ContainerConfig {
    const config = this.#ledger.get(name);
    if (config !== undefined) return config;
    const names = this.#ledger.all().map(({ spec }) => spec.name);
    throw new VoltError('NOT_FOUND', `There is no container '${name}'`, { hint: didYouMean(name, names) ?? 'volt ps' });
  }
}

/** What the cluster placed here cannot be deleted here. */
function nameTaken({ spec: { name }, assignment }: ContainerConfig): VoltError {
  const hint =
    assignment === null
      ? `volt container delete ${name}, or choose another name`
      : `it belongs to the workload '${assignment.workload}' of the cluster: choose another name`;
  return new VoltError('ALREADY_EXISTS', `Container '${name}' exists`, { hint });
}

const isUp = (state: ContainerStatus['state']): boolean => state === 'running' || state === 'starting';

const isSameWork = (config: ContainerConfig, { spec, image }: Wanted): boolean =>
  isDeepStrictEqual(config.spec, spec) && isDeepStrictEqual(config.image, image);

function statusOf({ spec, network, createdAt }: ContainerConfig, observed?: ObservedContainer): ContainerStatus {
  return {
    name: spec.name,
    image: spec.image,
    state: observed?.state ?? 'created',
    address: network.address,
    pid: observed?.pid ?? null,
    exitCode: observed?.exitCode ?? null,
    reason: observed?.reason ?? null,
    startedAt: observed?.startedAt ?? null,
    createdAt,
  };
}

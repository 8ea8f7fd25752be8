import { isDeepStrictEqual } from 'node:util';
import { VoltError } from '@volt/shared/errors';
import type {
  ContainerChange,
  ContainerConfig,
  ContainerSpec,
  ContainerStatus,
  Limits,
  Mount,
} from '@volt/shared/model';
import type { LogLine } from '@volt/shared/rpc';
import type { Clock, Files } from '../host/index.ts';
import type { Network } from '../network/index.ts';
import { enforced, missing, policyOf } from '../security/index.ts';
import { eitherRings } from './bells.ts';
import { ContainerAttachments } from './attachments.ts';
import { withChange } from './change.ts';
import { ContainerControls } from './controls.ts';
import { ContainerFiles } from './files/container-files.ts';
import type { FileAccess } from './files/file-access.ts';
import type { FileOperations } from './files/file-operations.ts';
import { Maker } from './maker.ts';
import { recovered } from './recovery.ts';
import type { Driver, Gauges, Reach, Watched } from './drivers/driver.ts';
import type {
  Attachments,
  Controls,
  Engine,
  ExecIo,
  ExecRequest,
  Healths,
  Images,
  Inspected,
  InUse,
  LogOptions,
  Observed,
  Recovery,
  Wanted,
} from './engine.ts';
import { isUp, Known, noHealths, statusOf } from './known.ts';
import { Ledger } from './ledger.ts';
import { checkLimits, limitsOf, unenforced } from './limits.ts';
import { changedSince, nothingGiven, type GivenKeeper } from './surroundings.ts';
import { noVolumes, ownVolumes, type VolumeKeeper } from './storage.ts';

export interface EngineOptions {
  readonly files: Files;
  readonly driver: Driver & Reach & Gauges & Watched;
  readonly access: FileAccess;
  readonly images: Images;
  readonly network: Pick<Network, 'place'>;
  readonly clock: Clock;
  readonly containers: string;
  /** Without them, no container has any. */
  readonly volumes?: VolumeKeeper | undefined;
  /** Secrets and configs; without them, there are none. */
  readonly given?: GivenKeeper | undefined;
  readonly healths?: Healths | undefined;
}

/** How long a container is given when nobody says: on replacement and on forced deletion. */
const GRACE_SECONDS = 10;

export class ContainerEngine implements Engine {
  readonly controls: Controls;
  readonly files: FileOperations;
  readonly #fileWork: ContainerFiles;
  readonly attachments: Attachments;
  readonly #options: EngineOptions;
  readonly #known: Known;
  readonly #volumes: VolumeKeeper;
  readonly #given: GivenKeeper;
  readonly #maker: Maker;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#volumes = options.volumes ?? noVolumes;
    this.#given = options.given ?? nothingGiven;
    const { driver, clock, healths = noHealths } = options;
    this.#known = new Known(new Ledger(options.files, options.containers), driver, healths);
    this.#maker = new Maker({ ...options, known: this.#known, volumes: this.#volumes, given: this.#given });
    this.#fileWork = new ContainerFiles({
      ...options,
      known: this.#known,
      define: (like, to, fill) => this.#maker.defineLike(like, to, fill),
      start: (name, signal) => this.start(name, signal),
    });
    this.files = this.#fileWork;
    this.controls = new ContainerControls({
      known: this.#known,
      driver,
      clock,
      remove: (name, signal) => this.#remove(name, signal),
    });
    this.attachments = new ContainerAttachments({
      known: this.#known,
      driver,
      create: (spec, signal) => this.create(spec, signal),
      start: (name, signal) => this.start(name, signal),
      remove: (name, signal) => this.delete(name, true, signal),
      wait: (name, signal) => this.controls.wait(name, signal),
    });
  }

  create(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#known.lanes.run(spec.name, signal, async () => {
      await this.#maker.create(spec, signal);
      return this.#withMissing(spec, await this.#known.status(spec.name));
    });
  }

  run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#known.lanes.run(spec.name, signal, async () => {
      await this.#maker.create(spec, signal);
      return this.#withMissing(spec, await this.#start(spec.name, signal));
    });
  }

  rename(name: string, to: string, signal: AbortSignal): Promise<ContainerStatus> {
    const { driver, images } = this.#options;
    return this.#known.on(name, signal, async (config) => {
      const { state } = await this.#known.status(name);
      if (isUp(state) || state === 'stopping') {
        throw new VoltError('CONFLICT', `Container '${name}' is ${state}`, { hint: `volt container stop ${name}` });
      }
      const lower = await images.ensureLower(config.image.tree, signal);
      using _reserved = this.#maker.reserve(to, config);
      const renamed = await this.#known.ledger.rename(name, to);
      await driver.rename(name, to);
      await this.#known.healths.forget(name);
      await driver.install(renamed, lower);
      return await this.#known.noted(to);
    });
  }

  update(name: string, change: ContainerChange, signal: AbortSignal): Promise<ContainerStatus> {
    const { driver, images } = this.#options;
    return this.#known.on(name, signal, async (config) => {
      const changed = { ...config, spec: withChange(config.spec, change) };
      checkLimits(changed.spec);
      const { state } = await this.#known.status(name);
      // First where it can be refused.
      if (isUp(state)) await driver.limit(changed);
      await this.#known.ledger.put(changed);
      await driver.install(changed, await images.ensureLower(config.image.tree, signal));
      if (isUp(state) && change.restart !== undefined) await driver.reread(name);
      return this.#withMissing(change, await this.#known.status(name));
    });
  }

  start(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#known.on(name, signal, () => this.#start(name, signal));
  }

  stop(name: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#known.on(name, signal, async () => {
      await this.#rememberStop(name, true, signal);
      return this.#stop(name, graceSeconds, signal);
    });
  }

  restart(name: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<ContainerStatus> {
    return this.#known.on(name, signal, async () => {
      await this.#stop(name, graceSeconds, signal);
      return this.#start(name, signal);
    });
  }

  delete(name: string, force: boolean, signal: AbortSignal): Promise<{ name: string; deleted: boolean }> {
    return this.#known.lanes.run(name, signal, async () => {
      if (this.#known.ledger.get(name) === undefined) return { name, deleted: false };
      const { state } = await this.#known.status(name);
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
    return this.#known.ledger.all().map((config) => {
      const one = observed.get(config.spec.name);
      return { config, status: statusOf(config, one, this.#known.healths.of(config, one)) };
    });
  }

  inUse(): InUse[] {
    return this.#maker.inUse();
  }

  async inspect(name: string): Promise<Inspected> {
    const config = this.#known.existing(name);
    const isolation = enforced(config, this.#options.driver.landlock);
    const status = await this.#known.status(name);
    const changed = changedSince(this.#given, config.spec, status);
    return {
      config,
      status,
      health: this.#known.healths.of(config, status),
      isolation,
      ...(changed.length > 0 && { pendingRestart: changed }),
    };
  }

  missing(spec: ContainerSpec): string[] {
    return missing(policyOf(spec), this.#options.driver.landlock);
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    yield* this.#options.driver.logs(this.#known.existing(name), options, signal);
  }

  async exec(name: string, request: ExecRequest, io: ExecIo, signal: AbortSignal): Promise<number> {
    // Not in the name's lane: a shell left open must not keep the container from being stopped.
    const config = this.#known.existing(name);
    const { user = config.user } = request;
    const asUser = request.user === undefined ? config : { ...config, user: await this.#maker.userOf(config, user) };
    return this.#options.driver.exec(asUser, request, io, signal);
  }

  ensure(wanted: Wanted, signal: AbortSignal): Promise<ContainerStatus> {
    const { name } = wanted.spec;
    return this.#known.lanes.run(name, signal, async () => {
      const present = this.#known.ledger.get(name);
      if (present !== undefined && present.assignment === null) {
        throw new VoltError('CONFLICT', `Container '${name}' exists and is not the cluster's`, {
          hint: `volt container delete ${name}`,
        });
      }
      if (present !== undefined && !isSameWork(present, wanted)) {
        // What cannot be made does not take the place of what runs.
        await this.#maker.requireAll(wanted.spec);
        await this.#remove(name, signal);
      }
      const kept = this.#known.ledger.get(name);
      if (kept === undefined) await this.#maker.create(wanted.spec, signal, wanted);
      else if (!isDeepStrictEqual(kept.assignment, wanted.assignment)) {
        await this.#known.ledger.put({ ...kept, assignment: wanted.assignment });
      }
      const status = await this.#known.status(name);
      return isUp(status.state) ? status : this.#start(name, signal);
    });
  }

  mounted(): { container: string; mounts: readonly Mount[] }[] {
    return this.#maker.all().map(({ spec, mounts = [] }) => ({ container: spec.name, mounts }));
  }

  specs(): ContainerSpec[] {
    return this.#maker.all().map(({ spec }) => spec);
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    const listen = (listener: () => void) => this.#known.healths.listen(listener);
    return eitherRings((stop) => this.#options.driver.changes(stop), listen, signal);
  }

  checked(): ContainerConfig[] {
    return this.#known.ledger.all().filter(({ health }) => health !== undefined);
  }

  recover(signal: AbortSignal): Promise<Recovery> {
    const { driver, images, network } = this.#options;
    const down = (name: string) => this.#down(name, GRACE_SECONDS, signal);
    const clear = async (name: string) => {
      await down(name);
      await driver.remove(name);
    };
    const remove = (name: string) => this.#remove(name, signal);
    const release = (name: string) => this.#fileWork.release(name);
    return recovered({ known: this.#known, driver, images, network, clear, down, remove, release }, signal);
  }

  async #withMissing(limits: Limits, status: ContainerStatus): Promise<ContainerStatus> {
    const missing = unenforced(limitsOf(limits), await this.#options.driver.controllers());
    return missing.length === 0 ? status : { ...status, missing };
  }

  async #start(name: string, signal: AbortSignal): Promise<ContainerStatus> {
    // There already, but where it was lost, or made in a way that this kernel cannot mount.
    await this.#options.images.ensureLower(this.#known.existing(name).image.tree, signal);
    await this.#rememberStop(name, false, signal);
    await this.#options.driver.start(name, signal);
    return this.#known.noted(name);
  }

  /** One that is to run unless it was stopped: whether it was outlives the machine's power. */
  async #rememberStop(name: string, isStoppedByHand: boolean, signal: AbortSignal): Promise<void> {
    const config = this.#known.existing(name);
    if (config.spec.restart !== 'unless-stopped' || (config.isStoppedByHand === true) === isStoppedByHand) return;
    const changed = { ...config, isStoppedByHand };
    await this.#known.ledger.put(changed);
    await this.#options.driver.install(changed, await this.#options.images.ensureLower(config.image.tree, signal));
  }

  async #stop(name: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<ContainerStatus> {
    const { spec } = this.#known.existing(name);
    const { state } = await this.#known.status(name);
    const grace = graceSeconds ?? spec.stopTimeout ?? GRACE_SECONDS;
    if (isUp(state) || state === 'stopping') await this.#down(name, grace, signal);
    return this.#known.noted(name);
  }

  /** What is paused cannot be told to end. */
  async #down(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const { driver } = this.#options;
    if ((await driver.observe(name))?.state === 'paused') await driver.resume(name);
    await driver.stop(name, graceSeconds, signal);
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    const { driver } = this.#options;
    const own = ownVolumes(this.#known.existing(name));
    await this.#down(name, GRACE_SECONDS, signal);
    await this.#known.ledger.remove(name);
    await driver.remove(name);
    await this.#volumes.discard(own);
    await this.#known.healths.forget(name);
  }
}

const isSameWork = (config: ContainerConfig, { spec, image }: Wanted): boolean =>
  isDeepStrictEqual(config.spec, spec) && isDeepStrictEqual(config.image, image);

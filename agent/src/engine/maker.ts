/** Making containers: what each has that no other has, and all of it or nothing. */
import { randomUUID } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerSpec } from '@volt/shared/model';
import type { Clock, Files } from '../host/index.ts';
import type { Network } from '../network/index.ts';
import { requireEnforceable } from '../security/index.ts';
import { numericUser, type Accounts } from './accounts.ts';
import { place, resolveConfig, type Resolved } from './config.ts';
import type { Driver } from './drivers/driver.ts';
import type { Images, InUse, ResolvedImage, Wanted } from './engine.ts';
import type { Fill } from './files/container-files.ts';
import type { Known } from './known.ts';
import { checkLimits } from './limits.ts';
import { Making } from './making.ts';
import { checkOs, requireSystemd } from './os.ts';
import { mountsFor, type VolumeKeeper } from './storage.ts';
import { checkTargets, requireDevices, requireGiven, type GivenKeeper } from './surroundings.ts';

export interface MakerOptions {
  readonly known: Known;
  readonly files: Files;
  readonly driver: Driver;
  readonly images: Images;
  readonly network: Pick<Network, 'place'>;
  readonly clock: Clock;
  readonly volumes: VolumeKeeper;
  readonly given: GivenKeeper;
}

interface Filling {
  readonly fill?: (config: ContainerConfig) => Promise<void>;
  readonly signal: AbortSignal;
}

export class Maker {
  readonly #options: MakerOptions;
  /** Configs that have an address and a slot, but are not in the ledger yet. */
  readonly #placed = new Map<string, ContainerConfig>();
  readonly #making = new Making();

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** What is in the ledger, and what is about to be. */
  all(): ContainerConfig[] {
    return [...this.#options.known.ledger.all(), ...this.#placed.values()];
  }

  inUse(): InUse[] {
    return this.#making.and(this.#options.known.ledger.all());
  }

  /** Nobody else is given the name until this is disposed. */
  reserve(name: string, config: ContainerConfig): Disposable {
    this.refuseTaken(name);
    this.#placed.set(name, config);
    return { [Symbol.dispose]: () => void this.#placed.delete(name) };
  }

  async create(spec: ContainerSpec, signal: AbortSignal, wanted?: Wanted): Promise<void> {
    const { images, clock } = this.#options;
    this.refuseTaken(spec.name);
    await this.requireAll(spec);
    const image = wanted === undefined ? await images.resolve(spec.image) : await images.open(wanted.image.manifest);
    // Whoever takes the image's name away meanwhile, and collects, leaves what this container will run from.
    using _kept = this.#making.keep(spec.name, image);
    const lower = await images.ensureLower(image.tree, signal);
    await requireSystemd(this.#options.files, lower, spec);
    const assignment = wanted?.assignment ?? null;
    const accounts = await this.#accounts(image, spec.user);
    const mounts = await mountsFor(this.#options.volumes, spec, image.config.volumes ?? []);
    const resolved = resolveConfig({ spec, image, accounts, mounts, assignment, now: clock.now(), id: newId() });
    signal.throwIfAborted();
    await this.#define(resolved, lower, { signal });
  }

  /** Gives it what no other has. `fill` puts files of its own in their place before anybody knows of it. */
  async #define(resolved: Resolved, lower: string, { fill, signal }: Filling): Promise<void> {
    const { name } = resolved.spec;
    // No wait between reading who has what and reserving it. Another may have been given the name in the meantime.
    this.refuseTaken(name);
    checkTargets(resolved);
    requireGiven(this.#options.given, resolved.spec);
    const config = place(resolved, this.all(), (used) => this.#options.network.place(used));
    this.#placed.set(name, config);
    let made: readonly string[] = [];
    try {
      await fill?.(config);
      made = await this.#options.volumes.ensure(config, signal);
      await this.#options.known.ledger.put(config);
      await this.#options.driver.install(config, lower);
    } catch (thrown) {
      await this.#undo(name);
      this.#placed.delete(name);
      await this.#options.volumes.discard(made).catch(() => undefined);
      throw thrown;
    } finally {
      this.#placed.delete(name);
    }
  }

  /** One with the settings of another, and nothing that must differ. */
  async defineLike({ spec, image, ...like }: ContainerConfig, to: string, fill: Fill): Promise<void> {
    const { images, clock } = this.#options;
    this.refuseTaken(to);
    const { signal } = new AbortController();
    const lower = await images.ensureLower(image.tree, signal);
    const { config } = await images.open(image.manifest);
    const mounts = await mountsFor(this.#options.volumes, { ...spec, name: to }, config.volumes ?? []);
    const own = { id: newId(), assignment: null, isStoppedByHand: undefined, createdAt: clock.now().toISOString() };
    await this.#define({ ...like, spec: { ...spec, name: to }, image, mounts, ...own }, lower, { fill, signal });
  }

  /** Throws where this machine has not all that is asked for. */
  async requireAll(spec: ContainerSpec): Promise<void> {
    const { driver, files } = this.#options;
    checkLimits(spec);
    checkOs(spec);
    requireEnforceable(spec, driver.landlock);
    requireGiven(this.#options.given, spec);
    await requireDevices(files, spec);
  }

  /** ALREADY_EXISTS where somebody has the name, or is about to. */
  refuseTaken(name: string): void {
    const present = this.#options.known.ledger.get(name) ?? this.#placed.get(name);
    if (present !== undefined) throw nameTaken(name, present);
  }

  /** What cannot be removed here is removed when the agent starts; the caller is told of the first failure. */
  async #undo(name: string): Promise<void> {
    await this.#options.known.ledger
      .remove(name)
      .then(() => this.#options.driver.remove(name))
      .catch(() => undefined);
  }

  async userOf({ image }: ContainerConfig, user: string): Promise<string> {
    return numericUser(user, await this.#accountsIn(image.tree));
  }

  async #accounts({ config, tree }: ResolvedImage, user = config.user): Promise<Accounts> {
    return user === '' ? { passwd: '', group: '' } : this.#accountsIn(tree);
  }

  async #accountsIn(tree: string): Promise<Accounts> {
    const { images } = this.#options;
    const read = async (name: string) => (await images.readFile(tree, `etc/${name}`)) ?? '';
    return { passwd: await read('passwd'), group: await read('group') };
  }
}

/** What the cluster placed here cannot be deleted here. */
function nameTaken(name: string, { assignment }: ContainerConfig): VoltError {
  const hint =
    assignment === null
      ? `volt container delete ${name}, or choose another name`
      : `it belongs to the workload '${assignment.workload}' of the cluster: choose another name`;
  return new VoltError('ALREADY_EXISTS', `Container '${name}' exists`, { hint });
}

const newId = (): string => randomUUID().replaceAll('-', '');

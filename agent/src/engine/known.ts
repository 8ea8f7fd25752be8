/** The containers there are, by name, and one operation at a time for each. What all operations stand on. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import type { ContainerConfig, ContainerHealth, ContainerStatus } from '@volt/shared/model';
import { timesRestarted } from '@volt/shared/systemd';
import type { Driver, ObservedContainer } from './drivers/driver.ts';
import type { Healths } from './engine.ts';
import { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';

export class Known {
  readonly ledger: Ledger;
  readonly lanes = new Lanes();
  readonly healths: Healths;
  readonly #driver: Driver;

  constructor(ledger: Ledger, driver: Driver, healths: Healths) {
    this.ledger = ledger;
    this.healths = healths;
    this.#driver = driver;
  }

  /** NOT_FOUND, with what may have been meant. */
  existing(name: string): ContainerConfig {
    const config = this.ledger.get(name);
    if (config !== undefined) return config;
    const names = this.ledger.all().map(({ spec }) => spec.name);
    throw new VoltError('NOT_FOUND', `There is no container '${name}'`, { hint: didYouMean(name, names) ?? 'volt ps' });
  }

  /** In the lane of a name that exists. */
  on<T>(name: string, signal: AbortSignal, operate: (config: ContainerConfig) => Promise<T>): Promise<T> {
    return this.lanes.run(name, signal, () => operate(this.existing(name)));
  }

  async status(name: string): Promise<ContainerStatus> {
    const config = this.existing(name);
    const observed = await this.#driver.observe(name);
    return statusOf(config, observed, this.healths.of(config, observed));
  }

  /** Its status, which is then in state.json too. */
  async noted(name: string): Promise<ContainerStatus> {
    const status = await this.status(name);
    await this.ledger.note(status);
    return status;
  }
}

export const isUp = (state: ContainerStatus['state']): boolean =>
  state === 'running' || state === 'starting' || state === 'paused';

export function statusOf(
  { spec, network, createdAt }: ContainerConfig,
  observed?: ObservedContainer,
  health?: ContainerHealth,
): ContainerStatus {
  // systemd also counts the start that it then refused.
  const restarts = Math.min(observed?.restarts ?? 0, restartsMax(spec.restart));
  const reason = reasonOf(spec, observed);
  const hasGivenUp = observed?.state === 'failed' && restarts > 0;
  return {
    name: spec.name,
    image: spec.image,
    state: observed?.state ?? 'created',
    address: network.address,
    pid: observed?.pid ?? null,
    exitCode: observed?.exitCode ?? null,
    reason: hasGivenUp ? `${reason}${timesRestarted(restarts)}` : reason,
    restarts,
    startedAt: observed?.startedAt ?? null,
    ...(health === undefined ? {} : { health: health.state, checkedAt: health.checkedAt }),
    createdAt,
  };
}

/** With the limit that was hit, where that is the container's own. */
function reasonOf({ memory }: ContainerConfig['spec'], observed: ObservedContainer | undefined): string | null {
  const reason = observed?.reason ?? null;
  if (reason === null || memory === undefined || observed?.isOutOfMemory !== true) return reason;
  return reason.replace('out of memory', `out of memory: its limit is ${memory}`);
}

/** For an agent that checks nothing. */
export const noHealths: Healths = { of: () => undefined, forget: async () => {}, listen: () => () => {} };

const restartsMax = (policy: string): number => Number(/^on-failure:(\d+)$/.exec(policy)?.[1] ?? Infinity);

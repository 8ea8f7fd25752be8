/** From what a user asks and what an image says to what will run. Pure. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerSpec } from '@volt/shared/model';
import type { Place } from '../network/index.ts';
import { numericUser, type Accounts } from './accounts.ts';
import type { ResolvedImage } from './engine.ts';
import { healthCheckOf } from './health.ts';
import { OS_STOP_SIGNAL } from './os.ts';
import { freeSlot, userRange } from './slots.ts';

/** What programs expect to find when neither the image nor the user says otherwise. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Facts {
  readonly spec: ContainerSpec;
  readonly image: ResolvedImage;
  readonly accounts: Accounts;
  /** Undefined where there are none. */
  readonly mounts?: ContainerConfig['mounts'];
  readonly assignment: ContainerConfig['assignment'];
  readonly now: Date;
  /** Its mark in the journal. */
  readonly id: string;
}

/** All but what must differ from other containers. */
export type Resolved = Omit<ContainerConfig, 'network' | 'userns'>;

export function resolveConfig({ spec, image, accounts, mounts, assignment, now, id }: Facts): Resolved {
  const { config, manifest, tree } = image;
  const isOs = spec.os === true;
  const own = spec.command.length > 0 ? [...spec.command] : [...config.entrypoint, ...config.cmd];
  const command = isOs ? [] : own;
  if (command.length === 0 && !isOs) {
    throw new VoltError('USAGE', `Image '${spec.image}' names no program to run`, {
      hint: `volt run ${spec.name} ${spec.image} -- PROGRAM`,
    });
  }
  return {
    spec,
    image: { manifest, tree },
    command,
    env: { PATH, ...config.env, ...spec.env },
    workdir: isOs ? '' : (spec.workdir ?? config.workdir),
    user: isOs ? '' : numericUser(spec.user ?? config.user, accounts),
    health: healthCheckOf(spec, config.healthcheck),
    stopSignal: isOs ? OS_STOP_SIGNAL : (spec.stopSignal ?? config.stopSignal),
    ...(mounts !== undefined && { mounts }),
    assignment,
    createdAt: now.toISOString(),
    id,
  };
}

/** Gives it an address, a range of users and a cable that no other has. */
export function place(
  resolved: Resolved,
  others: readonly Pick<ContainerConfig, 'network' | 'userns'>[],
  placeOnNetwork: (used: ReadonlySet<string>) => Place,
): ContainerConfig {
  const network = placeOnNetwork(new Set(others.map((other) => other.network.address)));
  return { ...resolved, network: { ...network }, userns: userRange(freeSlot(others)) };
}

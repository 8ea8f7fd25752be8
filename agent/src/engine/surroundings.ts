/** What a container finds around it: what can be had of it on this machine, and what of it has changed since. */
import { VoltError } from '@volt/shared/errors';
import {
  type ContainerConfig,
  type ContainerSpec,
  type ContainerStatus,
  type GivenKind,
  givenDevices,
  givenFiles,
} from '@volt/shared/model';
import type { Files } from '../host/index.ts';

/** What the engine needs of secrets and configs; main.ts supplies it. */
export interface GivenKeeper {
  /** NOT_FOUND unless there is one. */
  require(kind: GivenKind, name: string): void;
  updatedAt(kind: GivenKind, name: string): string | undefined;
}

export const nothingGiven: GivenKeeper = {
  require: (kind, name) => {
    throw new VoltError('NOT_FOUND', `There is no ${kind} '${name}'`);
  },
  updatedAt: () => undefined,
};

/** Throws NOT_FOUND for what this node does not keep. Waits for nothing, so that nobody deletes it in between. */
export function requireGiven(keeper: GivenKeeper, spec: ContainerSpec): void {
  for (const { kind, name } of givenFiles(spec)) keeper.require(kind, name);
}

/** Throws USAGE where two things are to be at one path. */
export function checkTargets({ spec, mounts = [] }: Pick<ContainerConfig, 'spec' | 'mounts'>): void {
  const targets = new Set(mounts.map(({ target }) => target));
  for (const { target } of [...givenFiles(spec), ...givenDevices(spec)]) {
    if (targets.has(target)) throw new VoltError('USAGE', `Two things are to be at '${target}'`);
    targets.add(target);
  }
}

/** Throws NOT_FOUND for a device that this machine does not have. */
export async function requireDevices(files: Pick<Files, 'exists'>, spec: ContainerSpec): Promise<void> {
  for (const { source } of givenDevices(spec)) {
    if (await files.exists(source)) continue;
    throw new VoltError('NOT_FOUND', `This machine has no device '${source}'`, { hint: 'ls /dev' });
  }
}

/** What it runs with and has been changed since it started: `secret db-password`. */
export function changedSince(
  keeper: GivenKeeper,
  spec: ContainerSpec,
  { state, startedAt }: ContainerStatus,
): string[] {
  if (startedAt === null || (state !== 'running' && state !== 'paused')) return [];
  const isLater = ({ kind, name }: { kind: GivenKind; name: string }) => {
    const updatedAt = keeper.updatedAt(kind, name);
    return updatedAt !== undefined && Date.parse(updatedAt) > Date.parse(startedAt);
  };
  return [
    ...new Set(
      givenFiles(spec)
        .filter(isLater)
        .map(({ kind, name }) => `${kind} ${name}`),
    ),
  ];
}

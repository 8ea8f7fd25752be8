/** What a container is given besides the files of its image. */
import { VoltError } from '@volt/shared/errors';
import {
  type AskedMount,
  askedMounts,
  type ContainerConfig,
  type ContainerSpec,
  type Mount,
  volumeTargets,
} from '@volt/shared/model';
import { policyOf } from '../security/index.ts';

/** What the engine needs of volumes; main.ts supplies it. */
export interface VolumeKeeper {
  /**
   * Looks at folders of the node that are to be seen inside, and tells which
   * are files. NOT_FOUND for one that is not there, DEPENDENCY for one whose
   * file system cannot show it with the users that are inside.
   */
  look(mounts: readonly Mount[], isMapped: boolean): Promise<Mount[]>;
  /** Makes and fills those that are not there. Resolves with their names. On failure there is none of them. */
  ensure(config: Pick<ContainerConfig, 'spec' | 'image' | 'mounts'>, signal: AbortSignal): Promise<readonly string[]>;
  /** Deletes those of these that no container has. */
  discard(names: readonly string[]): Promise<void>;
}

export const noVolumes: VolumeKeeper = {
  look: async (mounts) => [...mounts],
  ensure: async () => [],
  discard: async () => {},
};

/** Undefined where there is nothing to be given. */
export async function mountsFor(
  keeper: VolumeKeeper,
  spec: ContainerSpec,
  declared: readonly string[],
): Promise<Mount[] | undefined> {
  const mounts = mountsOf(spec, declared, newName);
  return mounts.length === 0 ? undefined : keeper.look(mounts, policyOf(spec).userNamespace);
}

/** A volume that an image declares is the container's own, unless something else was asked for at its path. Pure. */
export function mountsOf(spec: ContainerSpec, declared: readonly string[], name: () => string): Mount[] {
  const asked = askedMounts(spec);
  const targets = new Set<string>();
  for (const { target } of asked) {
    if (targets.has(target)) throw new VoltError('USAGE', `Two things are to be at '${target}'`);
    targets.add(target);
  }
  const own = volumeTargets(declared).filter((target) => !targets.has(target));
  const all: AskedMount[] = [...asked, ...own.map((target) => ({ type: 'volume' as const, target, readOnly: false }))];
  return all
    .map((mount): Mount => {
      if (mount.type !== 'volume') return mount;
      const { source } = mount;
      return source === undefined ? { ...mount, source: name(), isAnonymous: true } : { ...mount, source };
    })
    .toSorted((a, b) => (a.target < b.target ? -1 : 1));
}

/** Volumes that go with the container. */
export const ownVolumes = ({ mounts = [] }: Pick<ContainerConfig, 'mounts'>): string[] =>
  mounts.flatMap((mount) => (mount.type === 'volume' && mount.isAnonymous === true ? [mount.source] : []));

const newName = (): string => `anonymous-${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;

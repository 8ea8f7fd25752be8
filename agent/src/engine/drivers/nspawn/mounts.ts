/**
 * What a container is given besides its own files, in nspawn's words. The
 * mounts are made in the container's own view of the machine: they are gone
 * with it, however it ends, and nobody has to clear them away.
 */
import type { ContainerConfig, Mount } from '@volt/shared/model';
import { policyOf } from '../../../security/index.ts';
import { givenPlaces } from './given.ts';
import { ownerOf } from './isolation.ts';
import type { Paths } from './paths.ts';

export function mountArguments(config: ContainerConfig, { volumes }: Pick<Paths, 'volumes'>): string[] {
  return mountsOf(config).map((mount) => {
    if (mount.type === 'tmpfs') return `--tmpfs=${mount.target}:${tmpfsOptions(mount)}`;
    const word = mount.readOnly ? '--bind-ro' : '--bind';
    return `${word}=${sourceOf(mount, volumes)}:${mount.target}:${options(config, mount)}`;
  });
}

/** What must be mounted before the container's unit is started, at boot. */
export const mountNeeds = (config: ContainerConfig, { volumes }: Pick<Paths, 'volumes'>): string[] => [
  ...new Set(mountsOf(config).flatMap((mount) => (mount.type === 'tmpfs' ? [] : [sourceOf(mount, volumes)]))),
];

/** nspawn makes the places of mounts in a root that can be written to. In one that cannot, `enter` does before it. */
export function placeArguments(config: ContainerConfig, { containers, lib }: Paths): string[] {
  const mounts = mountsOf(config);
  if (!policyOf(config.spec).readOnly) return [];
  const places = mounts.flatMap((mount) => [
    mount.type === 'bind' && mount.isFile === true ? 'file' : 'folder',
    mount.target,
  ]);
  const files = ['/etc/hosts', '/etc/resolv.conf', ...givenPlaces(config)].flatMap((path) => ['file', path]);
  const root = `${containers}/${config.spec.name}/rootfs`;
  return [`${lib}/inside/enter`, '--places', root, String(ownerOf(config)), ...places, ...files, '--'];
}

const mountsOf = ({ mounts = [] }: ContainerConfig): Mount[] => mounts;

const sourceOf = (mount: Exclude<Mount, { type: 'tmpfs' }>, volumes: string): string =>
  mount.type === 'volume' ? `${volumes}/${mount.source}/data` : mount.source;

/** Users inside have the same numbers on the files, whatever range they have on the node. */
function options({ spec }: ContainerConfig, mount: Mount): string {
  const mapped = policyOf(spec).userNamespace ? ['idmap'] : [];
  return [mount.type === 'volume' ? 'norbind' : 'rbind', ...mapped].join(',');
}

/** Without a size the kernel would allow half of the machine's memory. */
function tmpfsOptions({ sizeBytes, mode }: Extract<Mount, { type: 'tmpfs' }>): string {
  return `size=${sizeBytes ?? '10%'},mode=${mode},nosuid,nodev`;
}

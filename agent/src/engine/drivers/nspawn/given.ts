/**
 * Secrets, configs and devices of a container: copies in memory that the unit's
 * script makes at each start, owned by users of the container, and that nspawn
 * mounts one by one. Nothing secret is in the unit, in arguments or on a disk.
 */
import { type ContainerConfig, givenDevices, givenFiles } from '@volt/shared/model';
import { policyOf } from '../../../security/index.ts';
import { ownerOf } from './isolation.ts';
import type { Paths } from './paths.ts';

/** Has the words that the script reads: what to make the n-th of, and whose it is. */
export function renderGiven(config: ContainerConfig): string {
  const owner = ownerOf(config);
  const [uid = 0, gid = 0] = config.user.split(':').map(Number);
  const files = givenFiles(config.spec).map(
    (file) => `${file.kind} ${file.name} ${owner + (file.uid ?? uid)} ${owner + (file.gid ?? gid)} ${file.mode}\n`,
  );
  // Node's own users mean nothing inside: whoever is root there may use what was given.
  const devices = givenDevices(config.spec).map(({ source }) => `device ${source} ${owner} ${owner} -\n`);
  return [...files, ...devices].join('');
}

export function givenArguments({ spec }: ContainerConfig, { run }: Pick<Paths, 'run'>): string[] {
  const files = givenFiles(spec).map(({ target }) => ({ target, word: '--bind-ro' }));
  const devices = givenDevices(spec).map(({ target }) => ({ target, word: '--bind' }));
  return [...files, ...devices].map(
    ({ target, word }, n) => `${word}=${run}/${spec.name}/given/${n}:${target}:norbind`,
  );
}

/** Files that have to be in a root that cannot be written to; the rest of the places are in memory. */
export const givenPlaces = ({ spec }: ContainerConfig): string[] =>
  givenFiles(spec)
    .map(({ target }) => target)
    .filter((target) => !/^\/(?:dev|run|tmp)\//.test(target));

/** Which devices its control group lets be used: those that every program has, and those that were given. */
export function deviceLines({ spec }: ContainerConfig): string {
  if (!policyOf(spec).devices) return '';
  // Made once, by the script; nobody inside may make nodes.
  const given = givenDevices(spec).map(({ source, access }) => `DeviceAllow=${source} ${access}m\n`);
  return `DevicePolicy=closed\nDeviceAllow=/dev/net/tun rwm\n${given.join('')}`;
}

/** Of the script. On failure the start fails, with what the program that failed has said. */
export const GIVEN = `make_given() {
  mkdir "$run/given"
  # Is never swapped out, and only root enters it.
  mount -t ramfs -o mode=0700,nosuid,noexec volt "$run/given"
  n=0
  while read -r kind source owner group mode; do
    copy=$run/given/$n n=$((n + 1))
    case $kind in
      secret) systemd-creds decrypt --name="volt.secret.$source" "/var/lib/volt/secrets/$source.contents" "$copy" ;;
      config) cp "/var/lib/volt/configs/$source.contents" "$copy" ;;
      device) copy_device "$source" "$copy" ;;
    esac
    chown -R "$owner:$group" "$copy"
    [ "$mode" = - ] || chmod "$mode" "$copy"
  done < "$home/given"
}

copy_device() {
  if [ -b "$1" ] || [ -c "$1" ]; then
    cp -RL --preserve=mode "$1" "$2"
  elif [ -d "$1" ]; then
    mkdir "$2"
    for node in "$1"/*; do
      [ ! -b "$node" ] && [ ! -c "$node" ] || cp -RL --preserve=mode "$node" "$2/"
    done
  else
    echo "This machine has no device '$1'" >&2
    exit 1
  fi
}

`;

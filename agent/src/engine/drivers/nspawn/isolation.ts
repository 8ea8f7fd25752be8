/** A container's policy in nspawn's words: what must be so from its first process on. */
import type { ContainerConfig, ContainerSpec } from '@volt/shared/model';
import { capabilityMask, otherCapabilities, policyOf } from '../../../security/index.ts';
import { ENTER_INSIDE } from './paths.ts';

/** The init keeps these for the helper, which becomes another user and gives them up where they are not asked for. */
const forEntering = ['setgid', 'setuid', 'setpcap'];

/**
 * What the firmware tells of the machine, beside what nspawn hides of /proc: kcore, keys, kallsyms, timer_list and the
 * trigger of sysrq, and everything of /proc/sys and the like can only be read.
 */
const masks = ['/sys/firmware'];
/** Of what only some machines have: nspawn refuses to hide what is not there. */
export const rareMasks = ['/sys/devices/virtual/powercap'];

export function isolationArguments({ spec, userns }: ContainerConfig, masked: readonly string[] = []): string[] {
  const { userNamespace, noNewPrivileges, readOnly } = policyOf(spec);
  const kept = keptByInit(spec);
  const others = otherCapabilities(kept);
  return [
    ...(userNamespace
      ? [`--private-users=${userns.base}:${userns.size}`, '--private-users-ownership=auto']
      : ['--private-users=no']),
    `--no-new-privileges=${noNewPrivileges ? 'yes' : 'no'}`,
    `--capability=${capabilityList(kept)}`,
    ...(others.length === 0 ? [] : [`--drop-capability=${capabilityList(others)}`]),
    ...(readOnly ? ['--read-only'] : []),
    ...maskArguments(spec, masked),
  ];
}

export const maskArguments = (spec: ContainerSpec, masked: readonly string[] = []): string[] =>
  policyOf(spec).maskedPaths ? [...masks, ...masked].map((path) => `--inaccessible=${path}`) : [];

/**
 * nspawn has no filter of system calls here: to compile it takes a third of a
 * container's start. Its place takes the one of `enter`, see below, or none.
 */
export const isolationEnvironment = 'SYSTEMD_SECCOMP=0';

/**
 * Before the init, for it and all that comes of it. Later ones are under the filter of the first. A terminal is that of
 * the session, whose first process is the init.
 */
export function beforeInit({ spec }: ContainerConfig): string[] {
  const terminal = spec.tty === true ? ['--console'] : [];
  const filter = ['--no-new-privileges', '--seccomp', `--keep=${capabilityMask(keptByInit(spec))}`];
  const options = [...terminal, ...(policyOf(spec).seccomp ? filter : [])];
  return options.length === 0 ? [] : [ENTER_INSIDE, ...options, '--'];
}

const keptByInit = (spec: ContainerSpec): string[] =>
  [...new Set([...policyOf(spec).capabilities, ...forEntering])].toSorted();

/** Whose the files of root inside are, on the node. */
export const ownerOf = ({ spec, userns }: ContainerConfig): number => (policyOf(spec).userNamespace ? userns.base : 0);

export const capabilityList = (names: readonly string[]): string =>
  names.map((name) => `CAP_${name.toUpperCase()}`).join(',');

/** A container's policy in nspawn's words: what must be so from its first process on. */
import type { ContainerConfig } from '@volt/shared/model';
import { otherCapabilities, policyOf } from '../../../security/index.ts';

/** The init keeps these for the helper, which becomes another user and gives them up where they are not asked for. */
const forEntering = ['setgid', 'setuid', 'setpcap'];

/**
 * What nspawn's own filter would refuse, besides: Landlock, by which a program
 * can only lose, and keeping memory from being swapped, which a limit bounds.
 */
const HARMLESS_CALLS = 'landlock_create_ruleset landlock_add_rule landlock_restrict_self @memlock @pkey';

export function isolationArguments({ spec, userns }: ContainerConfig): string[] {
  const { userNamespace, noNewPrivileges, seccomp, readOnly, capabilities } = policyOf(spec);
  const kept = [...new Set([...capabilities, ...forEntering])].sort();
  const others = otherCapabilities(kept);
  return [
    ...(userNamespace
      ? [`--private-users=${userns.base}:${userns.size}`, '--private-users-ownership=auto']
      : ['--private-users=no']),
    `--no-new-privileges=${noNewPrivileges ? 'yes' : 'no'}`,
    `--capability=${capabilityList(kept)}`,
    ...(others.length === 0 ? [] : [`--drop-capability=${capabilityList(others)}`]),
    `--system-call-filter=${seccomp ? HARMLESS_CALLS : '@known'}`,
    ...(readOnly ? ['--read-only'] : []),
  ];
}

/** Whose the files of root inside are, on the node. */
export const ownerOf = ({ spec, userns }: ContainerConfig): number => (policyOf(spec).userNamespace ? userns.base : 0);

const capabilityList = (names: readonly string[]): string => names.map((name) => `CAP_${name.toUpperCase()}`).join(',');

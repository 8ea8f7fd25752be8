/** Capabilities of Linux: their names in the order of their numbers, and which of them a container has. */
import type { ContainerSpec } from '@volt/shared/model';

const names = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const;

/**
 * What root inside may do, within its own user namespace, unless more or less
 * is asked for: the set that images are written for. Not with it: making
 * device nodes, raw packets, and ports below 1024, which are free to all in a
 * network that only this container is in.
 */
const usual: readonly string[] = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
];

/** What a systemd needs besides to run services as they are written; all within its user namespace. */
const forBooting: readonly string[] = [
  ...usual,
  'dac_read_search',
  'ipc_owner',
  'lease',
  'net_bind_service',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_ptrace',
  'sys_resource',
  'sys_tty_config',
];

/** In the order of their numbers. */
export const keptCapabilities = (asked: Asked): string[] => kept(usual, asked);

/** Of one that boots: for its systemd and all that this starts. */
export const bootCapabilities = (asked: Asked): string[] => kept(forBooting, asked);

function kept(usual: readonly string[], { capAdd = [], capDrop = [], without = [] }: Asked): string[] {
  if (without.includes('capabilities') || without.includes('all')) return [...names];
  const added = capAdd.includes('all') ? names : capAdd;
  const dropped: readonly string[] = capDrop.includes('all') ? usual : capDrop;
  return names.filter(
    (name) => (added as readonly string[]).includes(name) || (usual.includes(name) && !dropped.includes(name)),
  );
}

type Asked = Pick<ContainerSpec, 'capAdd' | 'capDrop' | 'without'>;

export const otherCapabilities = (kept: readonly string[]): string[] => names.filter((name) => !kept.includes(name));

/** As the kernel writes a set of them, without leading zeroes. */
export const capabilityMask = (kept: readonly string[]): string =>
  kept.reduce((mask, name) => mask | (1n << BigInt(names.indexOf(name as (typeof names)[number]))), 0n).toString(16);

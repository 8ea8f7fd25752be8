/**
 * What root inside a container may do, within its own user namespace: the set
 * that images are written for, without making device nodes.
 */
export const keptCapabilities = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
] as const;

/** What nspawn would keep besides; it takes a list of those to drop. */
export const droppedCapabilities = [
  'audit_control',
  'dac_read_search',
  'ipc_owner',
  'lease',
  'linux_immutable',
  'mknod',
  // Not needed in a namespace where every port is free to all; nspawn would take it away in any case.
  'net_bind_service',
  'net_broadcast',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_ptrace',
  'sys_resource',
  'sys_tty_config',
] as const;

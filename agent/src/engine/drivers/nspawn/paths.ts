/** Where everything of a container is. */
export interface Paths {
  /** Definitions and files: `<name>/{config.json,state.json,exit,rootfs,upper,work}`. */
  readonly containers: string;
  /** Generated units, as documented for people. */
  readonly units: string;
  /** The units again, where systemd finds them before other file systems are mounted. */
  readonly systemd: string;
  /** For a drop-in that must not survive a reboot. */
  readonly systemdRuntime: string;
  /** Where systemd keeps properties that were changed of units that run, until the next boot. */
  readonly systemdControl: string;
  /** What is lost at a power loss: `<name>/lower` and marks of what is up. */
  readonly run: string;
  /** Volumes: `<name>/data`. */
  readonly volumes: string;
  /** Programs of ours that units call. */
  readonly lib: string;
}

export const defaultPaths: Paths = {
  containers: '/var/lib/volt/containers',
  units: '/var/lib/volt/units',
  systemd: '/etc/systemd/system',
  systemdRuntime: '/run/systemd/system',
  systemdControl: '/run/systemd/system.control',
  run: '/run/volt/containers',
  volumes: '/var/lib/volt/volumes',
  lib: '/usr/local/lib/volt',
};

/** Where the programs below are seen inside a container. */
export const INSIDE = '/run/volt';

/** The first process of a container, and what becomes its program: while there is nothing else, that has not begun. */
export const INIT_INSIDE = `${INSIDE}/init`;
export const ENTER_INSIDE = `${INSIDE}/enter`;

/** For nspawn, so that the host's own settings files in /etc/systemd/nspawn do not apply to a container of ours. */
export const machineName = (name: string): string => `volt-${name}`;

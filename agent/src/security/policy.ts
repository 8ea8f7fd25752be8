/**
 * What a container may do: decided here once, from what was asked for, and
 * carried out by nspawn and by the helper that every program inside goes
 * through, be it the container's own or that of an exec.
 */
import { VoltError } from '@volt/shared/errors';
import {
  type ContainerConfig,
  type ContainerSpec,
  type Enforced,
  givenFiles,
  type Protection,
} from '@volt/shared/model';
import { bootCapabilities, capabilityMask, keptCapabilities } from './capabilities.ts';

export interface Policy {
  readonly userNamespace: boolean;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly seccomp: boolean;
  readonly readOnly: boolean;
  /** Only devices that every program has, and those that were given. */
  readonly devices: boolean;
  /** What the kernel and the firmware tell of the machine is hidden. */
  readonly maskedPaths: boolean;
  /** Undefined where there is none. */
  readonly landlock: Landlock | undefined;
}

interface Landlock {
  readonly fsRead: readonly string[];
  readonly fsWrite: readonly string[];
  readonly fsExecute: readonly string[];
  /** Null where every port is allowed. */
  readonly netBind: readonly number[] | null;
  readonly netConnect: readonly number[] | null;
}

/** Landlock that forbids every move of a file between folders is of no use. */
const LANDLOCK_MIN = 2;
/** Shortening a file is writing to it only from here on. */
const LANDLOCK_TRUNCATE = 3;
const LANDLOCK_PORTS = 4;

const EVERYWHERE = ['/'];
/** Without these hardly a program runs, and there is nothing in them that a container could not have. */
const ALWAYS_READ = ['/dev', '/proc'];
const ALWAYS_WRITTEN = ['/dev'];

export function policyOf(spec: ContainerSpec): Policy {
  const isOn = (protection: Protection) => !spec.without?.includes(protection) && !spec.without?.includes('all');
  // The kernel takes a filter or a policy from a program without privileges only after it has given up on getting any.
  const noNewPrivileges = isOn('no-new-privileges');
  return {
    userNamespace: isOn('user-namespace'),
    capabilities: keptCapabilities(spec),
    noNewPrivileges,
    seccomp: isOn('seccomp') && noNewPrivileges,
    readOnly: spec.readOnly === true,
    devices: isOn('devices'),
    maskedPaths: isOn('masked-paths'),
    landlock: isOn('landlock') && noNewPrivileges ? landlockOf(spec) : undefined,
  };
}

/**
 * Where nothing is said, all of the container's own files may be used: what a
 * program of some image will need cannot be known from outside, nor can ports,
 * as those that an image names are not all that it uses. It still is a policy:
 * no program under it can mount, make device nodes or look into one that is not
 * under it.
 */
function landlockOf(spec: ContainerSpec): Landlock {
  const paths = (given: readonly string[] | undefined, always: readonly string[]) =>
    given === undefined ? EVERYWHERE : [...new Set([...given, ...always])];
  return {
    fsRead: paths(spec.fsRead, [...ALWAYS_READ, ...givenFiles(spec).map(({ target }) => target)]),
    fsWrite: paths(spec.fsWrite, ALWAYS_WRITTEN),
    fsExecute: paths(spec.fsExecute, []),
    netBind: spec.netBind ?? null,
    netConnect: spec.netConnect ?? null,
  };
}

/** What the policy asks for and a kernel with this version of Landlock cannot enforce; 0 is one without. */
export function missing({ landlock }: Policy, version: number): string[] {
  if (landlock === undefined || version >= neededVersion(landlock)) return [];
  if (version < LANDLOCK_MIN) return ['Landlock (Linux 5.19 has it, where it is not turned off)'];
  return [
    ...(isWriteLimited(landlock) && version < LANDLOCK_TRUNCATE
      ? ['Landlock against shortening files (Linux 6.2 has it)']
      : []),
    ...(arePortsLimited(landlock) && version < LANDLOCK_PORTS ? ['Landlock for ports (Linux 6.7 has it)'] : []),
  ];
}

function neededVersion(landlock: Landlock): number {
  if (arePortsLimited(landlock)) return LANDLOCK_PORTS;
  return isWriteLimited(landlock) ? LANDLOCK_TRUNCATE : LANDLOCK_MIN;
}

const arePortsLimited = ({ netBind, netConnect }: Landlock): boolean => netBind !== null || netConnect !== null;
const isWriteLimited = ({ fsWrite }: Landlock): boolean => !fsWrite.includes('/');

/** Throws where the container must not be made, because it would have less than was asked for. */
export function requireEnforceable(spec: ContainerSpec, version: number): void {
  if (spec.requireIsolation !== true) return;
  const lacks = missing(policyOf(spec), version);
  if (lacks.length === 0) return;
  throw new VoltError('DEPENDENCY', `This machine cannot enforce all that is asked for: ${lacks.join('; ')}`, {
    hint: 'without --require-isolation the rest is enforced',
  });
}

/** The words of `inspect`. */
export function enforced({ spec, userns }: Pick<ContainerConfig, 'spec' | 'userns'>, version: number): Enforced {
  if (spec.os === true) return enforcedOnOs({ spec, userns });
  const policy = policyOf(spec);
  const { landlock } = policy;
  return {
    userNamespace: policy.userNamespace ? userns : null,
    capabilities: [...policy.capabilities],
    noNewPrivileges: policy.noNewPrivileges,
    seccomp: policy.seccomp ? 'default' : 'off',
    readOnly: policy.readOnly,
    devices: policy.devices ? 'given' : 'any',
    maskedPaths: policy.maskedPaths,
    landlock:
      landlock === undefined || version < LANDLOCK_MIN
        ? null
        : {
            version,
            fsRead: [...landlock.fsRead],
            fsWrite: [...landlock.fsWrite],
            fsExecute: [...landlock.fsExecute],
            netBind: allowed(landlock.netBind, version),
            netConnect: allowed(landlock.netConnect, version),
          },
    missing: missing(policy, version),
  };
}

/** A system of its own starts and mounts what it likes: it is kept apart by its users, and by nspawn's filter. */
function enforcedOnOs({ spec, userns }: Pick<ContainerConfig, 'spec' | 'userns'>): Enforced {
  const { readOnly, devices, maskedPaths } = policyOf(spec);
  return {
    userNamespace: userns,
    capabilities: bootCapabilities(spec),
    noNewPrivileges: false,
    seccomp: 'nspawn',
    readOnly,
    devices: devices ? 'given' : 'any',
    maskedPaths,
    landlock: null,
    missing: [],
  };
}

function allowed(ports: readonly number[] | null, version: number): 'any' | 'none' | number[] {
  if (ports === null || version < LANDLOCK_PORTS) return 'any';
  return ports.length === 0 ? 'none' : [...ports];
}

/**
 * The policy in the words of the helper, agent/enter/enter.c. Each is one
 * argument, and what follows its first `=` is taken as it is, so that no path
 * can be read as anything else.
 */
export function policyArguments(spec: ContainerSpec): string[] {
  const { landlock, seccomp, noNewPrivileges, capabilities } = policyOf(spec);
  return [
    ...(noNewPrivileges ? ['--no-new-privileges'] : []),
    ...(landlock === undefined ? [] : landlockArguments(landlock, spec.requireIsolation === true)),
    ...(seccomp ? ['--seccomp'] : []),
    `--keep=${capabilityMask(capabilities)}`,
  ];
}

function landlockArguments(landlock: Landlock, isRequired: boolean): string[] {
  const option = (name: string, values: readonly (string | number)[]) => values.map((value) => `--${name}=${value}`);
  const ports = (name: string, list: readonly number[] | null) =>
    option(name, list === null || list.length > 0 ? (list ?? []) : ['none']);
  return [
    ...(isRequired ? [`--landlock-min=${neededVersion(landlock)}`] : []),
    ...option('fs-read', landlock.fsRead),
    ...option('fs-write', landlock.fsWrite),
    ...option('fs-execute', landlock.fsExecute),
    ...ports('net-bind', landlock.netBind),
    ...ports('net-connect', landlock.netConnect),
  ];
}

/**
 * What a lab is made of, as values: its name, its folders, its addresses, its
 * relays. Everything else in this room derives names and paths from here, so
 * two labs of different names never touch each other.
 */
import { isAbsolute, join, resolve } from 'node:path';
import { VoltError } from '@volt/shared/errors';

export const NODES_MAX = 64;
export const DEFAULT_LAB_NAME = 'volt';
export const DEFAULT_NODE_COUNT = 3;

const LAB_NAME = /^[a-z][a-z0-9-]{0,20}$/;
// Lab folders are written into overlay mount options, where ',' and ':' have a meaning.
// They hold unix sockets too, whose paths end at 107 bytes.
const LAB_DIR = /^\/[A-Za-z0-9/._-]{1,55}$/;

/** The gateway's address on the nodes' bridge, and where it serves Debian packages. */
export const GATEWAY_ADDRESS = '10.99.0.254';
export const PACKAGES_PORT = 3142;

export const REPOSITORY = resolve(import.meta.dirname, '../..');
export const DEFAULT_BINARY = join(REPOSITORY, 'dist/volt');

/** Receives one line for each step that takes a person's time. */
export type Report = (line: string) => void;

/** Where a lab keeps its things. `dir` is shared by all labs, the rest belongs to one. */
export interface LabPaths {
  readonly dir: string;
  readonly lab: string;
  readonly state: string;
  readonly bin: string;
  readonly gateway: string;
  readonly packageCache: string;
}

/** A TCP port of every node that the host can reach on 127.0.0.1, at `hostPortBase` + node number. */
export interface Relay {
  readonly name: string;
  readonly nodePort: number;
  readonly hostPortBase: number;
}

export const relays = [
  { name: 'agent', nodePort: 7443, hostPortBase: 17443 },
  { name: 'controller', nodePort: 7444, hostPortBase: 17543 },
  { name: 'http', nodePort: 80, hostPortBase: 18080 },
] as const satisfies readonly Relay[];

export type RelayName = (typeof relays)[number]['name'];

export function labPaths(dir: string, name: string): LabPaths {
  const lab = join(dir, 'labs', name);
  return {
    dir,
    lab,
    state: join(lab, 'lab.json'),
    bin: join(lab, 'bin'),
    gateway: join(lab, 'gateway'),
    packageCache: join(dir, 'packages'),
  };
}

export function defaultLabDir(env: NodeJS.ProcessEnv = process.env): string {
  return env['VOLT_LAB_DIR'] ?? '/var/tmp/volt-lab';
}

export function checkLabName(name: string): string {
  if (LAB_NAME.test(name)) return name;
  throw new VoltError('USAGE', `Lab name '${name}' is not usable`, {
    hint: 'Use up to 21 lower-case letters, digits and dashes, a letter first',
  });
}

export function checkLabDir(dir: string): string {
  if (isAbsolute(dir) && LAB_DIR.test(dir) && resolve(dir) !== '/') return resolve(dir);
  throw new VoltError('USAGE', `Lab folder '${dir}' is not usable`, {
    hint: 'Use an absolute path of up to 56 letters, digits, dots, dashes and underscores',
  });
}

export function checkNodeCount(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= NODES_MAX) return count;
  throw new VoltError('USAGE', `A lab has 1 to ${NODES_MAX} nodes, not '${count}'`);
}

export const nodeName = (index: number): string => `node${index}`;
export const nodeAddress = (index: number): string => `10.99.0.${index}`;
/** A node keeps its network card over power loss; its neighbours remember the address. */
export const nodeMac = (index: number): string => `02:56:4c:00:00:${index.toString(16).padStart(2, '0')}`;

/** The number in 'node3', or undefined if it is not a node's name. */
export function nodeIndex(name: string): number | undefined {
  const digits = /^node([1-9][0-9]?)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Network namespaces of a lab. The dot keeps them apart from those of Volt's
 * own containers, whose names have none.
 */
export const switchNetns = (lab: string): string => `${lab}.switch`;
export const nodeNetns = (lab: string, index: number): string => `${lab}.${nodeName(index)}`;

/** What making or joining a cluster needs from the machine. main.ts supplies it. */
import type { ClusterIdentity, ControllerIdentity, PermissionsFor, PinnedRequest } from '@volt/shared/pki';

export interface BootstrapFiles {
  /** Undefined where there is no file. */
  read(path: string): Promise<string | undefined>;
  /** Durable, whole or not at all. */
  write(path: string, text: string, options: { readonly mode: number }): Promise<void>;
  exists(path: string): Promise<boolean>;
  makeFolder(path: string, options: { readonly mode: number }): Promise<void>;
  /** An absent one is fine. */
  remove(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
}

export interface BootstrapUnits {
  /** Makes systemd know unit files that were written or removed. */
  reload(): Promise<void>;
  /** Has the unit started at boot. */
  enable(unit: string): Promise<void>;
  /** The opposite. An unknown unit is fine. */
  disable(unit: string): Promise<void>;
  /** Resolves once the start job is done; DEPENDENCY when it failed. */
  start(unit: string, signal: AbortSignal): Promise<void>;
  /** Resolves once it is down. An unknown unit is fine. */
  stop(unit: string): Promise<void>;
  /** Whether its main process runs; false also while it waits to be started again. */
  isRunning(unit: string): Promise<boolean>;
  /** The last lines that it printed, oldest first. */
  lastLines(unit: string, count: number): Promise<readonly string[]>;
}

/** The way to controllers. */
export interface Controllers {
  /** To one that is known by its CA's fingerprint only; see postPinned. */
  post(request: PinnedRequest): Promise<string>;
  /** A join token from the controller of this node, asked for with the admin's certificate. */
  makeToken(identity: ClusterIdentity, admin: { cert: string; key: string }, signal: AbortSignal): Promise<string>;
  /** Resolves when the controller of this node answers with the state of the cluster. */
  status(identity: ClusterIdentity, signal: AbortSignal): Promise<unknown>;
  /**
   * Takes a NATS server that is down for good out of those that the cluster counts on, and gives back its node's
   * turn to become a controller. Asks the servers in the identity. Tries until the signal.
   */
  withdraw(
    identity: ClusterIdentity & { readonly controller: ControllerIdentity },
    server: string,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface BootstrapPorts {
  readonly files: BootstrapFiles;
  readonly units: BootstrapUnits;
  readonly controllers: Controllers;
  readonly hostName: () => string;
  /** Names of the containers that run here. */
  readonly running: () => Promise<readonly string[]>;
  /** IPv4 addresses that others may know this machine by: no loopback, no bridge of containers. */
  readonly ownAddresses: () => readonly string[];
  /** The address of this machine on the way to another. NETWORK or TIMEOUT when that cannot be reached. */
  readonly localAddressTowards: (host: string, port: number, signal: AbortSignal) => Promise<string>;
  /** What nats-server says of its version; undefined where it is not installed. */
  readonly natsVersion: (signal: AbortSignal) => Promise<string | undefined>;
  readonly now: () => Date;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly permissionsFor: PermissionsFor;
  /** How long what this node signs lives. */
  readonly certificateSeconds: number;
  /** Where a controller of this node listens. */
  readonly controllerPort: number;
  /** The `volt` binary, for the controller's unit. */
  readonly program: string;
}

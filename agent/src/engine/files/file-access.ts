/**
 * How a container's files are reached on this host: each way starts `enter
 * --files` somewhere else, with a verb of agent/enter/files.h, and gives back
 * the program. drivers/nspawn/files.ts implements this.
 */
import type { ContainerConfig } from '@volt/shared/model';
import type { OpenProgram } from '../../host/index.ts';

export interface FileAccess {
  /** As one of its programs, with all that is mounted in it. CONFLICT when it does not run. */
  inside(config: ContainerConfig, verb: readonly string[]): Promise<OpenProgram>;

  /** With what its programs may do, in the root of one that is down, without what is mounted when it runs. */
  atRest(config: ContainerConfig, lower: string, verb: readonly string[]): Promise<OpenProgram>;

  /** In its root, running or not, as somebody who may read all of it and nothing else. */
  whole(config: ContainerConfig, lower: string, verb: readonly string[]): Promise<OpenProgram>;

  /** In what it has on top of its image, with the marks of the overlay. */
  upper(config: ContainerConfig, verb: readonly string[]): Promise<OpenProgram>;

  /** Copies what one has on top of its image, so that it is another's. The other has none before. */
  copyUpper(from: ContainerConfig, to: ContainerConfig, signal: AbortSignal): Promise<void>;

  /** Resolves once what was copied would survive a power loss. */
  settle(config: ContainerConfig, signal: AbortSignal): Promise<void>;
}

/** What people ask of the files of containers: the method rows. */
import type { ContainerStatus, ImageSummary } from '@volt/shared/model';
import type { FileChange, FileLook } from '@volt/shared/rpc';

/** Resolves when there is room for more. */
export type Emit<T> = (item: T) => Promise<void>;

export interface FileOperations {
  /** What is at a path inside. Null where nothing is. With `follow` a link at its end is gone after. */
  look(name: string, request: { path: string; follow: boolean }, signal: AbortSignal): Promise<FileLook | null>;

  /** What is at a path inside, as a tar archive. NOT_FOUND where nothing is. */
  pack(name: string, request: PackRequest, emit: Emit<Uint8Array>, signal: AbortSignal): Promise<number>;

  /** Puts what is in a tar archive into a folder inside. INVALID_CONFIG for an archive that is broken or hostile. */
  unpack(name: string, request: UnpackRequest, signal: AbortSignal): Promise<{ entries: number; sizeBytes: number }>;

  /** What is not as in its image, by path, in lists of some hundred. */
  changes(name: string, emit: Emit<FileChange[]>, signal: AbortSignal): Promise<number>;

  /** All of its root as a tar archive, with owners as they are inside. */
  export(name: string, emit: Emit<Uint8Array>, signal: AbortSignal): Promise<number>;

  /** Makes an image of its root. One that runs is held still meanwhile, unless told otherwise. */
  commit(name: string, request: CommitRequest, onLine: Emit<string>, signal: AbortSignal): Promise<ImageSummary>;

  /** Another container with its settings and a copy of its files. One that runs is held still meanwhile. */
  clone(name: string, request: { to: string; start: boolean }, signal: AbortSignal): Promise<ContainerStatus>;
}

export interface PackRequest {
  readonly path: string;
  /** What its first entry is called; '.' for none of its own. */
  readonly as: string;
  readonly follow: boolean;
  readonly keepOwner: boolean;
}

export interface UnpackRequest {
  /** A folder that is there. */
  readonly path: string;
  readonly as?: string | undefined;
  readonly keepOwner: boolean;
  readonly source: AsyncIterable<Uint8Array>;
}

export interface CommitRequest {
  readonly image: string;
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  readonly change: readonly string[];
  readonly pause: boolean;
}

/** Small files and folders of the host: definitions, units, records. Never file contents of images. */
export interface Files {
  /** The text of a file, or undefined where there is none. Longer than FILE_BYTES_MAX is RESOURCE. */
  read(path: string): Promise<string | undefined>;

  /**
   * Replaces a file: after a crash at any moment there is the old one or the
   * new one, whole. Resolves once the new one would survive a power loss,
   * unless `durable` is false.
   */
  write(path: string, content: string | Uint8Array, options: WriteOptions): Promise<void>;

  /** Names in a folder, sorted; none where there is no folder. */
  list(path: string): Promise<string[]>;

  /** Makes a file be the same as another, bytes and mode; those who have the old one open keep it. */
  copy(from: string, to: string, options: Pick<WriteOptions, 'mode'>): Promise<void>;

  exists(path: string): Promise<boolean>;

  /** Makes a folder and those above it. One that is there is given the mode and owner. */
  makeFolder(path: string, options: FolderOptions): Promise<void>;

  /** Points a symbolic link at a target, replacing what was there. */
  link(target: string, path: string): Promise<void>;

  /** Gives a folder another name, in one step that outlives a power loss. CONFLICT where there is one already. */
  moveFolder(from: string, to: string): Promise<void>;

  /** Removes a file or link durably. An absent one is fine. */
  remove(path: string): Promise<void>;

  /** Removes a folder and all below. An absent one is fine; one with a mount inside its first level is CONFLICT. */
  removeTree(path: string): Promise<void>;
}

export interface WriteOptions {
  readonly mode: number;
  /** User and group; root unless given. */
  readonly owner?: number | undefined;
  /** False for what can be lost: after a power loss the file may be the old one, empty or gone. */
  readonly durable?: boolean | undefined;
}

export interface FolderOptions {
  readonly mode: number;
  /** User and group; root unless given. */
  readonly owner?: number | undefined;
}

/** No definition or record is near this; a longer file is not ours. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** More entries than any folder of ours holds. */
export const FOLDER_ENTRIES_MAX = 100_000;

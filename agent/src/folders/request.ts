/** What is asked for, and how the work makes way for others meanwhile. */
import type { Xattrs } from '../host/index.ts';
import type { Hold, Store } from '../store/index.ts';

export interface FolderIngest {
  readonly root: string;
  readonly store: Store;
  /** Takes everything until a name reaches the tree. */
  readonly hold: Hold;
  readonly xattrs: Xattrs;
  /** Where it is remembered what files held; nothing is where not given. */
  readonly cache?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: IngestProgress) => void) | undefined;
}

export interface IngestProgress {
  readonly entries: number;
  readonly sizeBytes: number;
}

/** Entries between two breaths of the event loop: some 5 ms. */
export const ENTRIES_AT_ONCE = 256;
/** Lets others have their turn, stops where that is wanted, and says how far it is. */
export async function pause(request: FolderIngest, progress: IngestProgress): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  request.signal.throwIfAborted();
  request.onProgress?.(progress);
}

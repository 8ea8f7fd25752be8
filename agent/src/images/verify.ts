/** Whether all that an image consists of is here and as it was. */
import { VoltError } from '@volt/shared/errors';
import { decodeTree, type Digest, shown, type Store } from '../store/index.ts';
import { decodeManifest } from './manifest.ts';

export interface Verified {
  readonly objects: number;
  readonly sizeBytes: number;
}

export interface Verification {
  readonly store: Store;
  readonly name: string;
  readonly digest: Digest;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Disk and hash take turns: a few at once keep both busy. */
const LANES = 4;
const PROGRESS_OBJECTS = 500;
const DAMAGED_NAMED_MAX = 20;

/** Hashes every object of an image. DEPENDENCY, naming the files, unless all of them are whole. */
export async function verifyImage({ store, name, digest, signal, onLine }: Verification): Promise<Verified> {
  const { tree } = decodeManifest(store.objects.read(digest), digest);
  const contents = new Map<Digest, { readonly path: string; readonly sizeBytes: number }>();
  for (const entry of decodeTree(store.objects.read(tree))) {
    if (entry.type !== 'file' || contents.has(entry.digest)) continue;
    contents.set(entry.digest, { path: shown(entry.path), sizeBytes: entry.sizeBytes });
  }
  const damaged: string[] = [];
  let done = 0;
  let sizeBytes = 0;
  const left = contents.entries();
  const lane = async (): Promise<void> => {
    for (const [content, file] of left) {
      signal.throwIfAborted();
      const found = await store.objects.verify(content);
      if (found !== 'ok') damaged.push(`${file.path} (${found})`);
      else sizeBytes += file.sizeBytes;
      if (++done % PROGRESS_OBJECTS === 0) onLine(`${done} of ${contents.size} files`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (damaged.length === 0) return { objects: contents.size + 2, sizeBytes };
  const named = damaged.toSorted().slice(0, DAMAGED_NAMED_MAX).join(', ');
  throw new VoltError('DEPENDENCY', `${damaged.length} of ${contents.size} files of '${name}' are damaged: ${named}`, {
    hint: 'volt cas repair, or pull or import the image again',
  });
}

/** Fetches an image from other nodes: its manifest, its tree, then whatever contents are not here yet. */
import {
  contentsOf,
  decodeTree,
  type Digest,
  fetchObjects,
  type FetchProgress,
  type Hold,
  type ObjectSource,
  type Store,
} from '../store/index.ts';
import { decodeManifest, type ImageManifest } from './manifest.ts';

export interface Pull {
  readonly store: Store;
  /** Takes everything of the image, fetched or found. */
  readonly hold: Hold;
  /** Of the image manifest. */
  readonly digest: Digest;
  readonly peers: readonly ObjectSource[];
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/**
 * Resolves when all of the image is here and durable; fetches nothing that
 * already is. What arrived before a failure stays, so the next attempt goes on
 * from there. Throws NOT_FOUND where no peer has something, NETWORK where one
 * that might have it cannot be asked.
 */
export async function pullObjects(pull: Pull): Promise<ImageManifest> {
  const { store, digest } = pull;
  await fetchMissing(pull, new Map([[digest, 0]]));
  const manifest = decodeManifest(store.objects.read(digest), digest);
  await fetchMissing(pull, new Map([[manifest.tree, 0]]));
  await fetchMissing(pull, contentsOf(decodeTree(store.objects.read(manifest.tree))), pull.onProgress);
  return manifest;
}

/** Digests that an image needs and that are not here, with their sizes. Undefined while the manifest or tree is not. */
export function missingOf(store: Store, digest: Digest): ReadonlyMap<Digest, number> | undefined {
  if (!store.objects.has(digest)) return undefined;
  const { tree } = decodeManifest(store.objects.read(digest), digest);
  if (!store.objects.has(tree)) return undefined;
  return absentOf(store, contentsOf(decodeTree(store.objects.read(tree))));
}

function absentOf({ objects }: Store, wanted: ReadonlyMap<Digest, number>): Map<Digest, number> {
  return new Map([...wanted].filter(([digest, size]) => !isHere(objects.sizeOf(digest), size)));
}

/** Size 0 stands for "unknown" as well as for "empty"; either way any size will do. */
const isHere = (actual: number | undefined, size: number): boolean =>
  actual !== undefined && (size === 0 || actual === size);

async function fetchMissing(
  { store, hold, peers, signal }: Pull,
  contents: ReadonlyMap<Digest, number>,
  onProgress?: Pull['onProgress'],
): Promise<void> {
  for (const digest of contents.keys()) hold.add(digest);
  const wanted = absentOf(store, contents);
  if (wanted.size === 0) return;
  await fetchObjects({ store, wanted, peers, hold, signal, onProgress });
}

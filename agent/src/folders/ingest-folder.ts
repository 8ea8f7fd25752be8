/**
 * A folder of the host becomes objects and a tree. What did not change since
 * it was last read is not read again (stat-cache.ts).
 *
 * The folder may be in use: a file that changes while it is read is read
 * again, what goes away is left out. Each file is then as it was at one
 * moment, the folder as a whole need not be.
 */
import { realpathSync, statSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import {
  type ByteString,
  type Digest,
  encodeTree,
  type Ingest,
  type Inode,
  makeTree,
  withFsErrors,
} from '../store/index.ts';
import { Fingerprint } from './fingerprint.ts';
import { Gathering } from './gathering.ts';
import { Reading } from './reading.ts';
import { ENTRIES_AT_ONCE, type FolderIngest, pause } from './request.ts';
import { isSettled, StatCache } from './stat-cache.ts';
import { isGone, walk } from './walk.ts';

export interface IngestedFolder {
  readonly tree: Digest;
  readonly entries: number;
  readonly files: number;
  readonly sizeBytes: number;
  /** Files that were read; the others were remembered. */
  readonly filesRead: number;
  /** What the store did not have. */
  readonly objectsAdded: number;
  readonly sizeBytesAdded: number;
  /** Sockets, which exist only while somebody listens. */
  readonly skipped: number;
}

/**
 * Resolves when all of it is durable. Throws NOT_FOUND or USAGE for what is no
 * folder, CONFLICT for a file that is written to all the while.
 */
export async function ingestFolder(request: FolderIngest): Promise<IngestedFolder> {
  const root = folderAt(request.root);
  return withFsErrors(`Cannot store '${request.root}'`, async () => {
    const { store, hold } = request;
    await using batch = store.objects.ingest({ hold });
    const cache = request.cache === undefined ? undefined : new StatCache(request.cache, root, store.objects.hash);
    const unchanged = cache && (await unchangedFolder(root, { request, batch, cache }));
    return unchanged ?? (await readFolder(root, { request, batch, cache }));
  });
}

interface Parts {
  readonly request: FolderIngest;
  readonly batch: Ingest;
  readonly cache: StatCache | undefined;
}

/** The same as last time, found without a look into any file. Undefined where something is not the same. */
async function unchangedFolder(
  root: string,
  { request, batch, cache }: Parts & { readonly cache: StatCache },
): Promise<IngestedFolder | undefined> {
  const { whole } = cache;
  if (whole === undefined) return undefined;
  const fingerprint = new Fingerprint(request.store.objects.hash);
  let entries = 0;
  for (const found of walk(root)) {
    fingerprint.add(found);
    if (++entries % ENTRIES_AT_ONCE === 0) await pause(request, { entries, sizeBytes: 0 });
  }
  if (fingerprint.end() !== whole.fingerprint) return undefined;
  let files = 0;
  for (const { digest, sizeBytes } of cache.contents()) {
    if (!batch.relyOn(digest, sizeBytes)) return undefined;
    if (++files % ENTRIES_AT_ONCE === 0) await pause(request, { entries, sizeBytes: whole.sizeBytes });
  }
  if (!batch.relyOn(whole.tree, whole.treeBytes)) return undefined;
  const { tree, sizeBytes } = whole;
  const nothing = { filesRead: 0, objectsAdded: 0, sizeBytesAdded: 0 };
  return { tree, entries: whole.entries, files, sizeBytes, ...nothing, skipped: entries - whole.entries };
}

async function putTree(inodes: ReadonlyMap<ByteString, Inode>, batch: Ingest) {
  const entries = makeTree(inodes);
  const bytes = encodeTree(entries);
  return { entries: entries.length, tree: await batch.putBytes(bytes), treeBytes: bytes.length };
}

async function readFolder(root: string, { request, batch, cache }: Parts): Promise<IngestedFolder> {
  const lookedAtNs = BigInt(Date.now()) * 1_000_000n;
  await using reading = new Reading(batch, request.store.objects);
  const gathering = new Gathering({ request, reading, batch, cache });
  await gathering.gather(root);
  // The disk works while the tree is put together.
  const [, { entries, tree, treeBytes }] = await Promise.all([batch.flush(), putTree(gathering.inodes, batch)]);
  const added = await batch.commit();
  const { files, sizeBytes, filesRead, skipped, fingerprint } = gathering;
  const whole = { fingerprint: fingerprint.end(), tree, treeBytes, entries, sizeBytes };
  const isSure = !gathering.hasChanged && isSettled(fingerprint.newestNs, lookedAtNs);
  cache?.save(isSure ? whole : undefined);
  const counts = { objectsAdded: added.objects, sizeBytesAdded: added.sizeBytes };
  return { tree, entries, files, sizeBytes, filesRead, ...counts, skipped };
}

function folderAt(path: string): string {
  try {
    const root = realpathSync(path);
    if (statSync(root).isDirectory()) return root;
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
    throw new VoltError('NOT_FOUND', `There is no '${path}'`, { cause: thrown });
  }
  throw new VoltError('USAGE', `'${path}' is not a folder`);
}

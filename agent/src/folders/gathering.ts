/** Describes every entry of a folder, and has read of the files what is not remembered. */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, type Digest, ENTRIES_MAX, fsPath, type Ingest, type Inode, shown } from '../store/index.ts';
import { isStored, kindOf, metadataOf } from './describe.ts';
import { Fingerprint } from './fingerprint.ts';
import type { Reading } from './reading.ts';
import { ENTRIES_AT_ONCE, type FolderIngest, pause } from './request.ts';
import type { StatCache } from './stat-cache.ts';
import { type Found, hasChanged, look, walk } from './walk.ts';

/** How often a file is read that is written to all the while. */
const READINGS_MAX = 5;

export interface GatheringParts {
  readonly request: FolderIngest;
  readonly reading: Reading;
  readonly batch: Ingest;
  readonly cache: StatCache | undefined;
}

/** One file with all its names, while its contents are on their way. */
interface Pending {
  readonly key: string;
  readonly names: ByteString[];
  inode: Inode | undefined;
}

export class Gathering {
  readonly inodes = new Map<ByteString, Inode>();
  files = 0;
  filesRead = 0;
  sizeBytes = 0;
  skipped = 0;
  /** Something was not the same any more when it was read. */
  hasChanged = false;
  readonly fingerprint: Fingerprint;
  readonly #parts: GatheringParts;
  /** Files of more than one name, by device and inode. */
  readonly #linked = new Map<string, Pending>();
  #changed: Pending[] = [];
  #entries = 0;

  constructor(parts: GatheringParts) {
    this.#parts = parts;
    this.fingerprint = new Fingerprint(parts.request.store.objects.hash);
  }

  async gather(root: string): Promise<void> {
    const { reading, request } = this.#parts;
    for (const found of walk(root)) {
      if (++this.#entries > ENTRIES_MAX) throw new VoltError('USAGE', `More than ${ENTRIES_MAX} files and folders`);
      if (this.#entries % ENTRIES_AT_ONCE === 0)
        await pause(request, { entries: this.#entries, sizeBytes: this.sizeBytes });
      this.fingerprint.add(found);
      await this.#take(found);
    }
    await reading.drain();
    for (let round = 1; this.#changed.length > 0; round++) {
      if (round >= READINGS_MAX) throw restless(this.#changed[0]?.names[0] ?? '');
      await this.#takeAgain(root);
      await reading.drain();
    }
  }

  /** Every name of what changed, as it is by now: it may be gone, or be something else. */
  async #takeAgain(root: string): Promise<void> {
    const changed = this.#changed;
    this.#changed = [];
    this.hasChanged = true;
    for (const { key } of changed) this.#linked.delete(key);
    for (const name of changed.flatMap(({ names }) => names)) {
      const found = look(name, fsPath(root, name));
      if (found !== undefined) await this.#take(found);
    }
  }

  #take(found: Found): Promise<void> | undefined {
    const { stats, path } = found;
    if (!isStored(stats)) {
      this.skipped++;
      return undefined;
    }
    const pending = this.#pendingOf(found);
    if (pending === undefined) return undefined;
    if (stats.isFile()) return this.#takeFile(found, pending);
    try {
      this.#settle(pending, { ...metadataOf(found, this.#parts.request.xattrs), ...kindOf(found) });
    } catch (thrown) {
      if (path === '' || !hasChanged(thrown)) throw thrown;
      this.#changed.push(pending);
    }
    return undefined;
  }

  /** Undefined for one more name of what is known. */
  #pendingOf({ path, stats }: Found): Pending | undefined {
    const key = `${stats.dev}:${stats.ino}`;
    const fresh: Pending = { key, names: [path], inode: undefined };
    if (stats.nlink === 1n || stats.isDirectory()) return fresh;
    const known = this.#linked.get(key);
    if (known === undefined) {
      this.#linked.set(key, fresh);
      return fresh;
    }
    known.names.push(path);
    if (known.inode !== undefined) this.inodes.set(path, known.inode);
    return undefined;
  }

  #takeFile(found: Found, pending: Pending): Promise<void> | undefined {
    const { cache, batch, request, reading } = this.#parts;
    const { dev, ino, size, mtimeNs, ctimeNs } = found.stats;
    const stamp = { dev, ino, size, mtimeNs, ctimeNs };
    const sizeBytes = Number(size);
    const lookedAtNs = BigInt(Date.now()) * 1_000_000n;
    const seen = cache?.find(stamp);
    // Attributes are not remembered, but that there were none is: a new one would have moved the time of change.
    const metadata = metadataOf(found, seen?.hasXattrs === false ? undefined : request.xattrs);
    const settle = (digest: Digest): void => {
      cache?.remember({ ...stamp, digest, hasXattrs: metadata.xattrs !== undefined }, lookedAtNs);
      this.files++;
      this.sizeBytes += sizeBytes;
      this.#settle(pending, { ...metadata, type: 'file', sizeBytes, digest });
    };
    if (seen !== undefined && batch.relyOn(seen.digest, sizeBytes)) {
      settle(seen.digest);
      return undefined;
    }
    const done = (digest: Digest | undefined): void => {
      if (digest === undefined) {
        this.#changed.push(pending);
        return;
      }
      this.filesRead++;
      settle(digest);
    };
    return reading.add({ path: found.at, stamp, done });
  }

  #settle(pending: Pending, inode: Inode): void {
    pending.inode = inode;
    for (const name of pending.names) this.inodes.set(name, inode);
  }
}

const restless = (path: ByteString): VoltError =>
  new VoltError('CONFLICT', `'${shown(path)}' changes all the time while it is read`, {
    hint: 'stop what writes to it, or store a snapshot of the folder',
  });

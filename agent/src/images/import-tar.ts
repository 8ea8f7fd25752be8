/**
 * Tar archives become objects and a tree. Nothing is unpacked: contents go
 * from the stream into the store, and names only ever become entries of a
 * tree, so nothing in an archive can reach outside.
 */
import { VoltError } from '@volt/shared/errors';
import { changeOf, LayeredRoot } from '../oci/index.ts';
import {
  ByteReader,
  type ByteString,
  type Digest,
  encodeTree,
  ENTRIES_MAX,
  type Ingest,
  INLINE_BYTES_MAX,
  makeTree,
  shown,
  type Tree,
} from '../store/index.ts';
import { contentsOf, decompressed, readTar, type TarEntry, UNPACKED_BYTES_MAX } from '../tar/index.ts';
import { kindOf, metadataOf } from './tar-inode.ts';

export interface TarImport {
  readonly source: AsyncIterable<Uint8Array>;
  readonly batch: Ingest;
  readonly signal: AbortSignal;
  /** What becomes of an entry: kept when not given. */
  readonly edit?: ((path: ByteString) => 'keep' | 'drop' | 'empty') | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly limits?: ImportLimits | undefined;
}

/** Of an image, all its layers together. */
export interface ImportLimits {
  readonly entries: number;
  readonly sizeBytes: number;
}

interface ImportProgress {
  readonly entries: number;
  readonly sizeBytes: number;
}

export interface ImportedTree {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly files: number;
}

const PROGRESS_ENTRIES = 500;

/** One archive that is the whole root. Throws INVALID_CONFIG for one that is broken or hostile. */
export async function importTree({ source, batch, ...rest }: TarImport): Promise<ImportedTree> {
  const layers = new LayeredImport(batch, rest);
  await layers.add(decompressed(source), 'whole');
  return layers.finish();
}

export interface Changes {
  /** Paths of a tree that are no longer there. */
  readonly removed: readonly ByteString[];
  /** What is there instead, or as well: an unpacked archive. */
  readonly source: AsyncIterable<Uint8Array>;
}

/** What is different from a tree that is in the store. It is asked for when that tree has been laid out. */
export async function importChanges(
  { batch, ...rest }: Omit<TarImport, 'source'>,
  tree: Tree,
  changes: () => Promise<Changes>,
): Promise<ImportedTree> {
  const layers = new LayeredImport(batch, rest);
  layers.begin(tree);
  const { removed, source } = await changes();
  await layers.add(source, 'whole', removed);
  return layers.finish();
}

/** A root that comes in one archive after the other. */
export class LayeredImport {
  readonly #batch: Ingest;
  readonly #options: Omit<TarImport, 'source' | 'batch'>;
  readonly #limits: ImportLimits;
  readonly #root: LayeredRoot;
  #entries = 0;
  #sizeBytes = 0;

  constructor(batch: Ingest, options: Omit<TarImport, 'source' | 'batch'>) {
    this.#batch = batch;
    this.#options = options;
    this.#limits = options.limits ?? { entries: ENTRIES_MAX, sizeBytes: UNPACKED_BYTES_MAX };
    this.#root = new LayeredRoot(this.#limits.entries);
  }

  /** The lowest layer, of which all contents are in the store. */
  begin(tree: Tree): void {
    this.#root.beginLayer();
    for (const { path, ...entry } of tree) {
      if (entry.type === 'hardlink') this.#root.link(path, entry.target);
      else this.#root.put(path, entry);
    }
  }

  /** Reads an unpacked archive to its end. In a `layer` some names stand for removals. */
  async add(
    archive: AsyncIterable<Uint8Array>,
    as: 'whole' | 'layer',
    removed: readonly ByteString[] = [],
  ): Promise<void> {
    const reader = new ByteReader(archive);
    try {
      this.#root.beginLayer();
      for (const path of removed) this.#root.remove(path);
      await this.#addEntries(readTar(reader, { mayLackEnd: as === 'layer' }), reader, as);
    } finally {
      await reader.close();
    }
  }

  /** The same for an archive that somebody has begun to read. */
  async addEntries(entries: AsyncIterable<TarEntry>, reader: ByteReader, as: 'whole' | 'layer'): Promise<void> {
    this.#root.beginLayer();
    await this.#addEntries(entries, reader, as);
  }

  async #addEntries(entries: AsyncIterable<TarEntry>, reader: ByteReader, as: 'whole' | 'layer'): Promise<void> {
    const { signal } = this.#options;
    for await (const entry of entries) {
      signal.throwIfAborted();
      this.#count(entry, reader);
      const path = plainPath(entry.name);
      const change = as === 'layer' ? changeOf(path) : ({ kind: 'entry', path } as const);
      if (change.kind === 'entry') await this.#put(entry, path, reader);
      else if (change.kind === 'remove') this.#root.remove(change.path);
      else if (change.kind === 'clear') this.#root.clear(change.path);
    }
    await drainPadding(reader, signal);
    this.#sizeBytes += reader.position;
  }

  /** Puts the tree into the batch. */
  async finish(): Promise<ImportedTree> {
    const tree = makeTree(this.#root.inodes());
    return { digest: await this.#batch.putBytes(encodeTree(tree)), ...totals(tree) };
  }

  #count(entry: TarEntry, reader: ByteReader): void {
    const { entries, sizeBytes } = this.#limits;
    if (++this.#entries > entries) throw bad(`it has more than ${entries} entries`);
    const read = this.#sizeBytes + reader.position;
    if (read + entry.sizeBytes > sizeBytes) throw bad(`it is larger than ${sizeBytes} bytes`);
    // Holes are nothing to read and much to hash.
    const stored = entry.pieces?.reduce((sum, piece) => sum + piece.sizeBytes, 0) ?? entry.sizeBytes;
    this.#sizeBytes += entry.sizeBytes - stored;
    if (this.#entries % PROGRESS_ENTRIES === 0) this.#options.onProgress?.({ entries: this.#entries, sizeBytes: read });
  }

  async #put(entry: TarEntry, path: ByteString, reader: ByteReader): Promise<void> {
    const how = this.#options.edit?.(path) ?? 'keep';
    if (how === 'drop') return;
    if (entry.type === 'hardlink') return this.#root.link(path, plainPath(entry.linkName));
    const kept = how === 'empty' ? { ...entry, sizeBytes: 0, pieces: undefined } : entry;
    const kind =
      kept.type === 'file'
        ? { type: kept.type, sizeBytes: kept.sizeBytes, digest: await store(kept, reader, this.#batch) }
        : kindOf(kept);
    this.#root.put(path, { ...kind, ...metadataOf(kept) });
  }
}

async function store(entry: TarEntry, reader: ByteReader, batch: Ingest): Promise<Digest> {
  if (entry.sizeBytes <= INLINE_BYTES_MAX && entry.pieces === undefined) {
    const bytes = await reader.read(entry.sizeBytes);
    if (bytes.length < entry.sizeBytes) throw bad('it ends early');
    return batch.putBytes(bytes);
  }
  const { digest, sizeBytes } = await batch.putStream(contentsOf(entry, reader));
  if (sizeBytes < entry.sizeBytes) throw bad('it ends early');
  return digest;
}

/** Where an entry lies below the root. `.` and doubled slashes mean nothing; `..` and a leading slash are refused. */
function plainPath(name: ByteString): ByteString {
  if (name.startsWith('/')) throw bad(`'${shown(name)}' is an absolute path`);
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw bad(`'${shown(name)}' leads out of the archive`);
  return names.join('/');
}

/** What tar appends to fill its last block. Reading it lets the sender end well. */
async function drainPadding(reader: ByteReader, signal: AbortSignal): Promise<void> {
  let padding = 0;
  for await (const chunk of reader.stream(PADDING_BYTES_MAX + 1)) {
    signal.throwIfAborted();
    padding += chunk.length;
  }
  if (padding > PADDING_BYTES_MAX) throw bad('much follows after its end');
}

/** The largest blocking factor of GNU tar in use is far below. */
const PADDING_BYTES_MAX = 64 * 1024 * 1024;

function totals(tree: Tree): { sizeBytes: number; files: number } {
  const files = tree.filter((entry) => entry.type === 'file');
  return { sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0), files: files.length };
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

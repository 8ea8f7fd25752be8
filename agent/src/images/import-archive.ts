/**
 * What somebody hands over to be made an image, told by its contents: a root
 * file system in a tar archive, an OCI image layout in one, or what `docker
 * save` writes.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import {
  DOCKER_MARK,
  LAYOUT_MARK,
  openDockerArchive,
  type OpenImage,
  openLayout,
  Spool,
  verified,
  type WantedPlatform,
} from '../oci/index.ts';
import { ByteReader, type ByteString, type Ingest } from '../store/index.ts';
import { decompressed, readTar, type TarEntry } from '../tar/index.ts';
import { type ImportedTree, type ImportLimits, LayeredImport } from './import-tar.ts';

export type ArchiveFormat = 'auto' | 'oci' | 'docker' | 'rootfs';

export interface ArchiveImport {
  readonly source: AsyncIterable<Uint8Array>;
  readonly format: ArchiveFormat;
  /** Which of several images in the archive. */
  readonly ref: string | undefined;
  readonly wanted: WantedPlatform;
  readonly batch: Ingest;
  /** Made here and removed at the end; must not exist. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

export interface ImportedImage {
  readonly tree: ImportedTree;
  /** Undefined for a bare root file system, which says nothing of how to run it. */
  readonly image: OpenImage | undefined;
  readonly format: Exclude<ArchiveFormat, 'auto'>;
}

/** Puts contents and tree into the batch. Throws INVALID_CONFIG for an archive that is broken or hostile. */
export async function importArchive(request: ArchiveImport): Promise<ImportedImage> {
  const reader = new ByteReader(decompressed(request.source));
  try {
    const entries = await peeked(readTar(reader));
    if (request.format === 'rootfs' || (request.format === 'auto' && !looksLikeImage(entries.first))) {
      const layers = layersOf(request);
      await layers.addEntries(entries.all, reader, 'whole');
      return { tree: await layers.finish(), image: undefined, format: 'rootfs' };
    }
    return await importSpooled(request, entries.all, reader);
  } finally {
    await reader.close();
  }
}

/** Reads the layers of an opened image into one tree. */
export async function importLayers(
  image: OpenImage,
  { batch, signal, onLine, limits }: LayersOptions,
): Promise<ImportedTree> {
  for (const line of image.left) onLine(line);
  const layers = layersOf({ batch, signal, onLine, limits });
  for (const [index, layer] of image.layers.entries()) {
    onLine(`layer ${index + 1} of ${image.layers.length}`);
    await layers.add(verified(decompressed(layer.open(signal)), { digest: layer.diffId }), 'layer');
  }
  return layers.finish();
}

interface LayersOptions extends Pick<ArchiveImport, 'batch' | 'signal' | 'onLine'> {
  readonly limits?: ImportLimits | undefined;
}

const layersOf = ({ batch, signal, onLine, limits }: LayersOptions): LayeredImport =>
  new LayeredImport(batch, { signal, limits, onProgress: ({ entries }) => onLine(`${entries} entries`) });

async function importSpooled(
  request: ArchiveImport,
  entries: AsyncIterable<TarEntry>,
  reader: ByteReader,
): Promise<ImportedImage> {
  const { scratch, signal, format, ref, wanted } = request;
  mkdirSync(scratch, { mode: 0o700 });
  try {
    const spool = new Spool(scratch);
    await spool.fill(entries, reader, signal);
    const found = formatOf(spool, format);
    const open = found === 'oci' ? openLayout : openDockerArchive;
    const image = await open(spool, { ref, wanted }, signal);
    return { tree: await importLayers(image, request), image, format: found };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Docker writes both tables of contents into one archive; that of OCI says more. */
function formatOf(spool: Spool, format: ArchiveFormat): 'oci' | 'docker' {
  if (format === 'oci' || format === 'docker') return format;
  if (spool.has(LAYOUT_MARK)) return 'oci';
  if (spool.has(DOCKER_MARK)) return 'docker';
  throw new VoltError('INVALID_CONFIG', 'The archive looks like an image, and has no table of contents', {
    hint: 'if it is a root file system, add --format rootfs',
  });
}

/** Names that image archives begin with and no root file system does. */
const LAYOUT_NAME = /^(?:\.\/)?(?:oci-layout|index\.json|blobs\/?|blobs\/sha(?:256|512)\/.*)$/;
const DOCKER_NAME = /^(?:\.\/)?(?:manifest\.json|repositories|[0-9a-f]{64}(?:\.json|\.tar|\/.*)?)$/;

const looksLikeImage = (first: TarEntry | undefined): boolean =>
  first !== undefined && (LAYOUT_NAME.test(first.name) || DOCKER_NAME.test(first.name));

const isRoot = (name: ByteString): boolean => /^[./]*$/.test(name);

/** The first entry that has a name, and all of them, it included. */
async function peeked(
  entries: AsyncGenerator<TarEntry>,
): Promise<{ first: TarEntry | undefined; all: AsyncGenerator<TarEntry> }> {
  const held: TarEntry[] = [];
  let first: TarEntry | undefined;
  // The root has no contents, so several of them can be held before one that has is reached.
  while (first === undefined && held.length < ROOTS_MAX) {
    const next = await entries.next();
    if (next.done === true) break;
    held.push(next.value);
    if (next.value.sizeBytes > 0 || !isRoot(next.value.name)) first = next.value;
  }
  return { first, all: replayed(held, entries) };
}

const ROOTS_MAX = 16;

async function* replayed(held: readonly TarEntry[], rest: AsyncGenerator<TarEntry>): AsyncGenerator<TarEntry> {
  yield* held;
  yield* rest;
}

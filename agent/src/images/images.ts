/** Images of this node: named root file systems with a way to run them, kept in the store. */
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type ImageBuild, ImageConfig, type ImageDetail, type ImageSummary } from '@volt/shared/model';
import type { Programs } from '../host/index.ts';
import { type Digest, type FetchProgress, type ObjectSource, type Store, withFsErrors } from '../store/index.ts';
import { buildDebian, editBuilt, type Variant } from './build-debian.ts';
import { type ImportedTree, importTree, type TarImport } from './import-tar.ts';
import { decodeManifest, encodeManifest, type ImageManifest } from './manifest.ts';
import { pullObjects } from './pull.ts';
import { parseReference, type Reference, spellReference } from './reference.ts';

export interface ImagesOptions {
  readonly store: Store;
  readonly programs: Programs;
  /** Names of what uses a tree, for example containers. */
  readonly usersOf: (tree: Digest) => Promise<readonly string[]>;
  /** Where builds keep their scratch folder; must be on a disk. */
  readonly scratch: string;
  readonly now: () => Date;
}

export interface ResolvedImage {
  readonly manifest: Digest;
  readonly tree: Digest;
  readonly config: ImageConfig;
}

export interface ImportRequest {
  readonly name: string;
  /** A tar archive, plain or packed with gzip or zstd. */
  readonly source: AsyncIterable<Uint8Array>;
  readonly config?: ImageConfig | undefined;
  readonly onProgress?: TarImport['onProgress'];
}

export interface BuildRequest extends ImageBuild {
  readonly variant?: Variant | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface PullRequest {
  /** Of the image manifest. */
  readonly digest: Digest;
  /** What to call it here. Without one it has no name and stays for as long as nothing collects it. */
  readonly name?: string | undefined;
  readonly peers: readonly ObjectSource[];
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

let builds = 0;

export class Images {
  readonly #options: ImagesOptions;

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** The image that a name means. NOT_FOUND for an unknown one. */
  async resolve(name: string): Promise<ResolvedImage> {
    return this.open(this.#digestOf(parseReference(name)));
  }

  /** The image of a manifest digest, whatever name it has. */
  async open(manifest: Digest): Promise<ResolvedImage> {
    const { tree, config } = this.#manifest(manifest);
    return { manifest, tree, config };
  }

  /** Path of the read-only tree, made when it is not there. A caller that gives up leaves it to be finished. */
  async ensureLower(tree: Digest, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([this.#options.store.lowers.materialise(tree), promise]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** A damaged image is listed too, with no files, so that it can be seen and deleted. */
  async list(): Promise<ImageSummary[]> {
    return this.#refs.list().map((ref) => summary(ref, ref.digest, this.#intactManifest(ref.digest)));
  }

  async inspect(name: string): Promise<ImageDetail> {
    const reference = parseReference(name);
    const digest = this.#digestOf(reference);
    const manifest = this.#manifest(digest);
    const usedBy = [...(await this.#options.usersOf(manifest.tree))];
    return { ...summary(reference, digest, manifest), tree: manifest.tree, config: manifest.config, usedBy };
  }

  /** A name that is taken afterwards means this image; until then it means what it did. */
  async importTar(request: ImportRequest, signal: AbortSignal): Promise<ImageSummary> {
    const reference = parseReference(request.name);
    const { source, onProgress, config = ImageConfig.parse({}) } = request;
    return this.#publish(reference, config, (batch) => importTree({ source, batch, signal, onProgress }));
  }

  /** Debian by mmdebstrap, straight into the store. */
  async build(request: BuildRequest, signal: AbortSignal): Promise<ImageSummary> {
    const reference = parseReference(request.name);
    const { programs, scratch } = this.#options;
    const config = ImageConfig.parse({ entrypoint: request.entrypoint });
    return this.#publish(reference, config, async (batch) => {
      let imported: ImportedTree | undefined;
      await buildDebian({
        request,
        variant: request.variant,
        programs,
        scratch: join(scratch, `build-${process.pid}-${this.#options.now().getTime()}-${builds++}`),
        signal,
        onLine: request.onLine,
        consume: async (source) => {
          imported = await importTree({ source, batch, signal, edit: editBuilt });
        },
      });
      if (imported === undefined) throw new VoltError('DEPENDENCY', 'mmdebstrap wrote no archive');
      return imported;
    });
  }

  /** Fetches from other nodes what is not here yet. */
  async pull(request: PullRequest, signal: AbortSignal): Promise<ResolvedImage> {
    const { digest, name, peers, onProgress } = request;
    const reference = name === undefined ? undefined : parseReference(name);
    const { store } = this.#options;
    using hold = store.holds.open();
    const { tree, config } = await pullObjects({ store, hold, digest, peers, onProgress, signal });
    if (reference !== undefined) await this.#refs.set(reference.name, reference.tag, digest);
    return { manifest: digest, tree, config };
  }

  /** Takes the name away, and the lower where no other name needs it. CONFLICT while something runs from it. */
  async delete(name: string): Promise<{ name: string; deleted: boolean }> {
    const reference = parseReference(name);
    const tree = this.#treeOf(this.#digestOf(reference));
    const isLast = tree !== undefined && !this.#others(reference).some((other) => this.#treeOf(other) === tree);
    const users = isLast ? await this.#options.usersOf(tree) : [];
    if (users.length > 0) {
      throw new VoltError('CONFLICT', `Image '${name}' is in use by ${users.slice(0, 5).join(', ')}`, {
        hint: 'delete what uses it first',
      });
    }
    const deleted = this.#refs.delete(reference.name, reference.tag);
    if (isLast) this.#options.store.lowers.remove(tree);
    return { name: spellReference(reference), deleted };
  }

  get #refs(): Store['refs']['images'] {
    return this.#options.store.refs.images;
  }

  #digestOf(reference: Reference): Digest {
    const digest = this.#refs.get(reference.name, reference.tag);
    if (digest !== undefined) return digest;
    throw new VoltError('NOT_FOUND', `No image '${spellReference(reference)}'`, { hint: 'volt image list' });
  }

  #manifest(digest: Digest): ImageManifest {
    return decodeManifest(this.#options.store.objects.read(digest), digest);
  }

  /** Undefined for an image that is damaged. */
  #intactManifest(digest: Digest): ImageManifest | undefined {
    try {
      return this.#manifest(digest);
    } catch (thrown) {
      if (thrown instanceof VoltError) return undefined;
      throw thrown;
    }
  }

  #treeOf(digest: Digest): Digest | undefined {
    return this.#intactManifest(digest)?.tree;
  }

  #others({ name, tag }: Reference): Digest[] {
    return this.#refs
      .list()
      .filter((ref) => ref.name !== name || ref.tag !== tag)
      .map((ref) => ref.digest);
  }

  /** Contents, tree and manifest become durable together, and only then does the name point at them. */
  async #publish(
    reference: Reference,
    config: ImageConfig,
    fill: (batch: TarImport['batch']) => Promise<ImportedTree>,
  ): Promise<ImageSummary> {
    const { store, now } = this.#options;
    return withFsErrors(`Cannot make image '${spellReference(reference)}'`, async () => {
      // Until the name is set: what this relies on is nobody else's to keep.
      using hold = store.holds.open();
      await using batch = store.objects.ingest({ hold });
      const { digest: tree, sizeBytes, files } = await fill(batch);
      const manifest = {
        kind: 'volt.image.v1' as const,
        tree,
        config,
        createdAt: now().toISOString(),
        sizeBytes,
        files,
      };
      const digest = await batch.putBytes(encodeManifest(manifest));
      await batch.commit();
      await this.#refs.set(reference.name, reference.tag, digest);
      return summary(reference, digest, manifest);
    });
  }
}

const summary = (reference: Reference, digest: Digest, manifest: ImageManifest | undefined): ImageSummary => ({
  name: spellReference(reference),
  digest,
  sizeBytes: manifest?.sizeBytes ?? 0,
  files: manifest?.files ?? 0,
  createdAt: manifest?.createdAt ?? new Date(0).toISOString(),
});

/** Images of this node: named root file systems with a way to run them, kept in the store. */
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import {
  type ImageBuild,
  ImageConfig,
  type ImageDetail,
  type ImageOverrides,
  type ImageStep,
  type ImageSummary,
} from '@volt/shared/model';
import type { Programs } from '../host/index.ts';
import { platformOf } from '../oci/index.ts';
import {
  contentsOf,
  type Digest,
  type FetchProgress,
  type Hold,
  type Ingest,
  type ObjectSource,
  type Store,
  type Tree,
} from '../store/index.ts';
import { buildDebian, editBuilt, type Variant } from './build-debian.ts';
import { type ExportRequest, exportImage } from './export.ts';
import { type ArchiveFormat, importArchive } from './import-archive.ts';
import { type Changes, importChanges, type ImportedTree, importTree } from './import-tar.ts';
import { ImageNames, summary, type UsersOf } from './names.ts';
import { type Made, madeOf, publishImage, wantedPlatform } from './publish.ts';
import { pullObjects } from './pull.ts';
import { parseReference, type Reference } from './reference.ts';
import { type Verified, verifyImage } from './verify.ts';

export interface ImagesOptions {
  readonly store: Store;
  readonly programs: Programs;
  readonly usersOf: UsersOf;
  /** Where work in progress keeps its scratch folder; must be on a disk, and emptied at the next start. */
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
  /** A root file system or an image in a tar archive, plain or packed with gzip or zstd. */
  readonly source: AsyncIterable<Uint8Array>;
  readonly format?: ArchiveFormat | undefined;
  /** Which of several images in the archive. */
  readonly ref?: string | undefined;
  /** Such as linux/arm64; what this machine is unless given. */
  readonly platform?: string | undefined;
  /** Wins over what the image says. */
  readonly config?: ImageOverrides | undefined;
  readonly onLine?: OnLine | undefined;
}

/** What is to become an image, besides the files that it has and the one it was made from has not. */
export interface NewImage {
  readonly name: string;
  /** Manifest of the image that it was made from, and its tree. */
  readonly base: Digest;
  readonly tree: Tree;
  readonly config: ImageConfig;
  readonly step: Pick<ImageStep, 'author' | 'comment' | 'createdBy'>;
}

export type OnLine = (line: string) => void;

export interface BuildRequest extends ImageBuild {
  readonly variant?: Variant | undefined;
  readonly onLine?: OnLine | undefined;
}

export interface PullRequest {
  /** Of the image manifest. */
  readonly digest: Digest;
  /** What to call it here. Without one it has no name and stays for as long as nothing collects it. */
  readonly name?: string | undefined;
  readonly peers: readonly ObjectSource[];
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

let scratches = 0;

export class Images {
  readonly names: ImageNames;
  readonly #options: ImagesOptions;

  constructor(options: ImagesOptions) {
    this.#options = options;
    this.names = new ImageNames(options.store, options.usersOf);
  }

  /** The image that a name means. NOT_FOUND for an unknown one. */
  async resolve(name: string): Promise<ResolvedImage> {
    return this.open(this.names.digestOf(parseReference(name)));
  }

  /** The image of a manifest digest, whatever name it has. */
  async open(manifest: Digest): Promise<ResolvedImage> {
    const { tree, config } = this.names.manifest(manifest);
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

  async list(): Promise<ImageSummary[]> {
    return this.names.list();
  }

  async inspect(name: string): Promise<ImageDetail> {
    const reference = parseReference(name);
    const digest = this.names.digestOf(reference);
    const manifest = this.names.manifest(digest);
    const { tree, config, platform, origin } = manifest;
    const usedBy = [...(await this.#options.usersOf('image', digest))];
    return { ...summary(reference, digest, manifest), tree, config, platform, origin, usedBy };
  }

  /** How it was made, the last step first. */
  async history(name: string): Promise<ImageStep[]> {
    const { history = [] } = this.names.manifest(this.names.digestOf(parseReference(name)));
    return history.toReversed();
  }

  /** A name that is taken afterwards means this image; until then it means what it did. */
  async importTar(request: ImportRequest, signal: AbortSignal): Promise<ImageSummary> {
    const { name, source, format = 'auto', ref, config = {}, onLine = () => {} } = request;
    const wanted = wantedPlatform(request.platform);
    return this.#publish(parseReference(name), async (batch) => {
      const scratch = this.#scratchFolder('import');
      const imported = await importArchive({ source, format, ref, wanted, batch, scratch, signal, onLine });
      const { tree, image, format: found } = imported;
      if (image === undefined || found === 'rootfs') return { tree, config: ImageConfig.parse(config) };
      return madeOf({ tree, image, format: found, config });
    });
  }

  /** The files of a container, which come as an archive, become an image on top of the one that it was made from. */
  async commit(image: NewImage, changes: () => Promise<Changes>, signal: AbortSignal): Promise<ImageSummary> {
    const { platform, history = [] } = this.names.manifest(image.base);
    return this.#publish(parseReference(image.name), async (batch, hold) => {
      for (const digest of contentsOf(image.tree).keys()) hold.add(digest);
      const tree = await importChanges({ batch, signal }, image.tree, changes);
      const step = { ...image.step, createdAt: this.#options.now().toISOString(), hasFiles: true };
      return { tree, config: image.config, platform, history: [...history, step] };
    });
  }

  /** Debian by mmdebstrap, straight into the store. */
  async build(request: BuildRequest, signal: AbortSignal): Promise<ImageSummary> {
    const { programs } = this.#options;
    const config = ImageConfig.parse({ entrypoint: request.entrypoint });
    return this.#publish(parseReference(request.name), async (batch) => {
      let imported: ImportedTree | undefined;
      await buildDebian({
        request,
        variant: request.variant,
        programs,
        scratch: this.#scratchFolder('build'),
        signal,
        onLine: request.onLine,
        consume: async (source) => {
          imported = await importTree({ source, batch, signal, edit: editBuilt });
        },
      });
      if (imported === undefined) throw new VoltError('DEPENDENCY', 'mmdebstrap wrote no archive');
      return { tree: imported, config, platform: platformOf(process.arch) };
    });
  }

  /** Fetches from other nodes what is not here yet. */
  async pull(request: PullRequest, signal: AbortSignal): Promise<ResolvedImage> {
    const { digest, name, peers, onProgress } = request;
    const reference = name === undefined ? undefined : parseReference(name);
    const { store } = this.#options;
    using hold = store.holds.open();
    const { tree, config } = await pullObjects({ store, hold, digest, peers, onProgress, signal });
    if (reference !== undefined) await this.names.set(reference, digest);
    return { manifest: digest, tree, config };
  }

  /** The image as an archive, in chunks; one that is damaged ends with an error. */
  export(request: ExportRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const reference = parseReference(request.name);
    const manifest = this.names.manifest(this.names.digestOf(reference));
    const { store } = this.#options;
    return exportImage({ ...request, store, reference, manifest, scratch: this.#scratchFolder('export'), signal });
  }

  /** DEPENDENCY, naming the files, unless all of it is as it was. */
  async verify(name: string, onLine: OnLine, signal: AbortSignal): Promise<Verified> {
    const digest = this.names.digestOf(parseReference(name));
    return verifyImage({ store: this.#options.store, name, digest, signal, onLine });
  }

  #scratchFolder(work: string): string {
    const { scratch, now } = this.#options;
    return join(scratch, `${work}-${process.pid}-${now().getTime()}-${scratches++}`);
  }

  #publish(reference: Reference, make: (batch: Ingest, hold: Hold) => Promise<Made>): Promise<ImageSummary> {
    const { store, now } = this.#options;
    return publishImage({ store, names: this.names, now, reference, make });
  }
}

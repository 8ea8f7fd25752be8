/** Images from registries, and into them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { toVoltError, VoltError } from '@volt/shared/errors';
import type { ImageSummary } from '@volt/shared/model';
import {
  localNameOf,
  openRegistryImage,
  type Packing,
  parseRemote,
  type Partials,
  pushImage,
  type Registries,
  type RegistryImage,
} from '../oci/index.ts';
import { contentsOf, decodeTree, type Digest, type Hold, type Store } from '../store/index.ts';
import { packImage } from './export.ts';
import type { OnLine } from './images.ts';
import { importLayers } from './import-archive.ts';
import { decodeManifest } from './manifest.ts';
import { type ImageNames, summary } from './names.ts';
import { madeOf, publishImage, wantedPlatform } from './publish.ts';
import { missingOf } from './pull.ts';
import { parseReference, type Reference } from './reference.ts';

export interface RemoteOptions {
  readonly store: Store;
  readonly names: ImageNames;
  readonly registries: Registries;
  /** Where layers wait that a pull could not finish. */
  readonly partials: Partials;
  /** Where layers are packed; must be on a disk, and emptied at the next start. */
  readonly scratch: string;
  readonly now: () => Date;
}

export interface RemotePull {
  /** Such as ghcr.io/org/app:1.2. */
  readonly reference: string;
  /** What to call it here; the last part of the reference unless given. */
  readonly name?: string | undefined;
  readonly platform?: string | undefined;
  readonly onLine: OnLine;
}

export interface RemotePush {
  readonly name: string;
  readonly reference: string;
  readonly packing: Packing;
  readonly mountFrom?: string | undefined;
  readonly onLine: OnLine;
}

/** A mirror that cannot serve is passed over; one that serves what is wrong is not. */
const passedOver = new Set(['NETWORK', 'NOT_FOUND', 'PERMISSION', 'DEPENDENCY']);

let pushes = 0;

export class RemoteImages {
  readonly #options: RemoteOptions;

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  /** Until all of it is here the name means what it did. What came before a failure is not fetched again. */
  async pull(request: RemotePull, signal: AbortSignal): Promise<ImageSummary> {
    const { registries, partials, now } = this.#options;
    const reference = parseRemote(request.reference);
    const target = parseReference(request.name ?? localNameOf(reference));
    const wanted = wantedPlatform(request.platform);
    partials.sweep(now().getTime());
    const sources = registries.sources(reference.host);
    using stack = new DisposableStack();
    for (const source of sources) stack.use(source);
    const last = sources.at(-1);
    for (const registry of sources) {
      const { onLine } = request;
      try {
        using remote = await openRegistryImage({ registry, reference, wanted, partials, signal, onLine });
        return await this.#take(remote, target, onLine, signal);
      } catch (thrown) {
        const { code, message } = toVoltError(thrown);
        if (registry === last || signal.aborted || !passedOver.has(code)) throw thrown;
        onLine(`${registry.host}: ${message}`);
      }
    }
    throw new VoltError('NOT_FOUND', `No registry is known for ${reference.host}`);
  }

  /** Resolves once the registry has all of it under the reference. */
  async push(request: RemotePush, signal: AbortSignal): Promise<{ reference: string; digest: string }> {
    const { store, names, registries, scratch, now } = this.#options;
    const { packing, mountFrom, onLine } = request;
    const reference = parseRemote(request.reference);
    if (reference.digest !== undefined) throw new VoltError('USAGE', 'A push needs a tag, not a digest');
    const manifest = names.manifest(names.digestOf(parseReference(request.name)));
    const folder = join(scratch, `push-${process.pid}-${now().getTime()}-${pushes++}`);
    mkdirSync(folder, { mode: 0o700 });
    try {
      onLine('packing');
      const documents = await packImage({ store, manifest, packing, scratch: folder, signal });
      using registry = registries.open(reference.host);
      await pushImage({ registry, reference, documents, mountFrom, signal, onLine });
      return { reference: request.reference, digest: documents.manifest.descriptor.digest };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #take(remote: RegistryImage, target: Reference, onLine: OnLine, signal: AbortSignal): Promise<ImageSummary> {
    const { store, names, now } = this.#options;
    const { image } = remote;
    const known = await this.#named(image.digest, target);
    if (known !== undefined) return known;
    try {
      const made = await publishImage({
        ...{ store, names, now, reference: target },
        make: async (batch) => {
          const tree = await importLayers(image, { batch, signal, onLine });
          return madeOf({ tree, image, format: 'registry', config: {} });
        },
      });
      remote.forget();
      return made;
    } catch (thrown) {
      // What is wrong would be wrong the next time, too.
      if (thrown instanceof VoltError && thrown.code === 'INVALID_CONFIG') remote.forget();
      throw thrown;
    }
  }

  /** An image that is here already under another name, or this one, gets this one. */
  async #named(digest: string, target: Reference): Promise<ImageSummary | undefined> {
    const { store, names } = this.#options;
    const found = names.findOrigin(digest);
    if (found === undefined) return undefined;
    using hold = store.holds.open();
    if (!isWhole(store, hold, found)) return undefined;
    await names.set(target, found);
    return summary(target, found, names.manifest(found));
  }
}

/** Held before it is looked for, so that what is found stays. */
function isWhole(store: Store, hold: Hold, manifest: Digest): boolean {
  hold.add(manifest);
  if (missingOf(store, manifest) === undefined) return false;
  const { tree } = decodeManifest(store.objects.read(manifest), manifest);
  hold.add(tree);
  for (const digest of contentsOf(decodeTree(store.objects.read(tree))).keys()) hold.add(digest);
  return missingOf(store, manifest)?.size === 0;
}

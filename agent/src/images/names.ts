/** Names of images: what each means, and when one may go. */
import { VoltError } from '@volt/shared/errors';
import type { ImageSummary } from '@volt/shared/model';
import type { Digest, Ref, Store } from '../store/index.ts';
import { decodeManifest, type ImageManifest } from './manifest.ts';
import { parseReference, type Reference, spellReference } from './reference.ts';

/** Names of what uses an image, by its manifest, or a tree, for example containers. */
export type UsersOf = (what: 'image' | 'tree', digest: Digest) => Promise<readonly string[]>;

const USERS_SHOWN_MAX = 5;

export class ImageNames {
  readonly #store: Store;
  readonly #usersOf: UsersOf;

  constructor(store: Store, usersOf: UsersOf) {
    this.#store = store;
    this.#usersOf = usersOf;
  }

  /** NOT_FOUND for an unknown one. */
  digestOf(reference: Reference): Digest {
    const digest = this.#refs.get(reference.name, reference.tag);
    if (digest !== undefined) return digest;
    throw new VoltError('NOT_FOUND', `No image '${spellReference(reference)}'`, { hint: 'volt image list' });
  }

  manifest(digest: Digest): ImageManifest {
    return decodeManifest(this.#store.objects.read(digest), digest);
  }

  /** From here on the name means this image; until then it means what it did. */
  async set({ name, tag }: Reference, digest: Digest): Promise<void> {
    await this.#refs.set(name, tag, digest);
  }

  /** A damaged image is listed too, with no files, so that it can be seen and deleted. */
  list(): ImageSummary[] {
    return this.#refs.list().map((ref) => summary(ref, ref.digest, this.#intactManifest(ref.digest)));
  }

  /** An image that was pulled as this manifest, and is as it was. */
  findOrigin(digest: string): Digest | undefined {
    return this.#refs.list().find((ref) => isPulled(this.#intactManifest(ref.digest), digest))?.digest;
  }

  /** One more name for an image. A name that is taken afterwards means this one. */
  async tag(source: string, target: string): Promise<ImageSummary> {
    const reference = parseReference(target);
    const digest = this.digestOf(parseReference(source));
    const manifest = this.manifest(digest);
    await this.set(reference, digest);
    return summary(reference, digest, manifest);
  }

  /** Takes a name away, and nothing else. What runs from the image goes on. */
  untag(name: string): { name: string; removed: boolean } {
    const reference = parseReference(name);
    this.digestOf(reference);
    return { name: spellReference(reference), removed: this.#refs.delete(reference.name, reference.tag) };
  }

  /**
   * Takes the name away, and the lower where nothing else needs it. CONFLICT
   * for the last name of an image that something was made from, under this or
   * any other name; another image with the same files is another image.
   */
  async delete(name: string): Promise<{ name: string; deleted: boolean }> {
    const reference = parseReference(name);
    const digest = this.digestOf(reference);
    const isLast = !this.#others(reference).some((other) => other.digest === digest);
    const users = isLast ? await this.#usersOf('image', digest) : [];
    if (users.length > 0) {
      throw new VoltError('CONFLICT', `Image '${name}' is in use by ${users.slice(0, USERS_SHOWN_MAX).join(', ')}`, {
        hint: 'delete what uses it first, or take only its name away with volt image untag',
      });
    }
    const deleted = this.#refs.delete(reference.name, reference.tag);
    await this.#dropLower(this.#intactManifest(digest)?.tree);
    return { name: spellReference(reference), deleted };
  }

  /** Takes away the names of images that nothing uses and nobody pinned. Returns them. */
  async prune({ dryRun }: { dryRun: boolean }): Promise<ImageSummary[]> {
    const pinned = new Set(this.#store.refs.pins.list().map(({ digest }) => digest));
    const pruned: ImageSummary[] = [];
    for (const ref of this.#refs.list()) {
      const manifest = this.#intactManifest(ref.digest);
      if (pinned.has(ref.digest) || (manifest !== undefined && pinned.has(manifest.tree))) continue;
      if ((await this.#usersOf('image', ref.digest)).length > 0) continue;
      pruned.push(summary(ref, ref.digest, manifest));
      if (dryRun) continue;
      this.#refs.delete(ref.name, ref.tag);
      await this.#dropLower(manifest?.tree);
    }
    return pruned;
  }

  get #refs(): Store['refs']['images'] {
    return this.#store.refs.images;
  }

  async #dropLower(tree: Digest | undefined): Promise<void> {
    if (tree === undefined) return;
    if ((await this.#usersOf('tree', tree)).length > 0) return;
    if (this.#refs.list().some((ref) => this.#intactManifest(ref.digest)?.tree === tree)) return;
    await this.#store.lowers.remove(tree);
  }

  /** Undefined for an image that is damaged. */
  #intactManifest(digest: Digest): ImageManifest | undefined {
    try {
      return this.manifest(digest);
    } catch (thrown) {
      if (thrown instanceof VoltError) return undefined;
      throw thrown;
    }
  }

  #others({ name, tag }: Reference): Ref[] {
    return this.#refs.list().filter((ref) => ref.name !== name || ref.tag !== tag);
  }
}

const isPulled = (manifest: ImageManifest | undefined, digest: string): boolean =>
  manifest?.origin?.format === 'registry' && manifest.origin.digest === digest;

export const summary = (reference: Reference, digest: Digest, manifest: ImageManifest | undefined): ImageSummary => ({
  name: spellReference(reference),
  digest,
  sizeBytes: manifest?.sizeBytes ?? 0,
  files: manifest?.files ?? 0,
  createdAt: manifest?.createdAt ?? new Date(0).toISOString(),
});

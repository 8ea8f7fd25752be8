/** What damaged and missing objects mean for people: which names they are reached from, and as which files. */
import { type Digest, linksOf, type Store } from '../store/index.ts';
import { DigestTable } from './digest-table.ts';
import { fileLines, shownPath } from './lines.ts';
import type { Root } from './mark.ts';

export type DamageKind = 'damaged' | 'missing';

export interface Hurt {
  /** `images/web:latest`. */
  readonly ref: string;
  /** Null where it is not a file of a tree that is hurt but all of it. */
  readonly path: string | null;
}

export interface Damage {
  readonly digest: Digest;
  readonly state: DamageKind;
  /** Nothing, for an object that no name reaches; the first few where there are many. */
  readonly hurts: readonly Hurt[];
}

const HURTS_MAX = 8;

/** A part of a manifest that is bad: the manifest itself, or a file that it names. */
interface BadPart {
  readonly digest: Digest;
  readonly path: string | null;
}

/** All that is missing below the roots, and who is hurt by it and by what is damaged. */
export async function traceDamage(
  store: Store,
  roots: readonly Root[],
  damaged: ReadonlySet<Digest>,
  signal: AbortSignal,
): Promise<Damage[]> {
  const search = new Search(store, damaged, signal);
  const hurts = new Map<Digest, Hurt[]>();
  for (const digest of damaged) hurts.set(digest, []);
  for (const { digest: root, name } of roots) {
    for (const { digest, path } of await search.below(root)) {
      const known = hurts.get(digest) ?? [];
      hurts.set(digest, known);
      if (known.length < HURTS_MAX) known.push({ ref: name, path });
    }
  }
  return [...hurts].map(([digest, list]) => ({
    digest,
    state: damaged.has(digest) ? 'damaged' : 'missing',
    hurts: list,
  }));
}

class Search {
  readonly #store: Store;
  readonly #damaged: ReadonlySet<Digest>;
  readonly #signal: AbortSignal;
  readonly #present = new DigestTable();
  /** Of manifests that were looked at. */
  readonly #found = new Map<Digest, Promise<readonly BadPart[]>>();

  constructor(store: Store, damaged: ReadonlySet<Digest>, signal: AbortSignal) {
    this.#store = store;
    this.#damaged = damaged;
    this.#signal = signal;
  }

  below(manifest: Digest): Promise<readonly BadPart[]> {
    const found = this.#found.get(manifest) ?? this.#look(manifest);
    this.#found.set(manifest, found);
    return found;
  }

  async #look(manifest: Digest): Promise<BadPart[]> {
    this.#signal.throwIfAborted();
    if (this.#isBad(manifest)) return [{ digest: manifest, path: null }];
    const bad = new Set<Digest>();
    const below = new Set<Digest>();
    for await (const { digest, to } of linksOf(await this.#read(manifest))) {
      if (to === 'manifest') below.add(digest);
      else if (this.#isBad(digest)) bad.add(digest);
    }
    const parts: BadPart[] = [];
    for (const digest of below) parts.push(...(await this.below(digest)));
    return bad.size === 0 ? parts : [...parts, ...(await this.#files(manifest, bad))];
  }

  /** As which files a tree has the bad contents; what else has contents calls them nothing. */
  async #files(manifest: Digest, bad: Set<Digest>): Promise<BadPart[]> {
    const parts: BadPart[] = [];
    for await (const { digest, path } of fileLines(await this.#read(manifest), (one) => bad.has(one))) {
      parts.push({ digest, path: shownPath(path) });
    }
    const placed = new Set(parts.map(({ digest }) => digest));
    return [...parts, ...[...bad].filter((one) => !placed.has(one)).map((digest) => ({ digest, path: null }))];
  }

  async #read(digest: Digest): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#store.objects.open(digest))?.chunks ?? nothing();
  }

  #isBad(digest: Digest): boolean {
    if (this.#damaged.has(digest)) return true;
    if (this.#present.has(digest)) return false;
    if (!this.#store.objects.has(digest)) return true;
    this.#present.add(digest);
    return false;
  }
}

/** What a manifest refers to that goes away while it is looked for. */
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The first half of a collection: everything that is reached from names and from what runs. */
import { VoltError } from '@volt/shared/errors';
import { type Digest, everyRef, type Store } from '../store/index.ts';
import { DigestTable } from './digest-table.ts';
import { scanManifest } from './scan.ts';

/** Where reachability starts. */
export interface Root {
  readonly digest: Digest;
  /** For messages: `images/web:latest`, `containers`. */
  readonly name: string;
}

export interface Roots {
  readonly roots: readonly Root[];
  /** Names that hold no digest. */
  readonly damagedRefs: readonly string[];
}

/**
 * Names first, then what containers use: a name is only deleted when nothing
 * uses it, so what lost its name before the first look shows in the second.
 */
export async function rootsOf(store: Store, treesInUse: () => Promise<readonly Digest[]>): Promise<Roots> {
  const refs = everyRef(store.objects.layout).map(({ kind, name, digest }) => ({ name: `${kind}/${name}`, digest }));
  const used = (await treesInUse()).map((digest) => ({ digest, name: 'containers' }));
  return {
    roots: [...refs, ...used].flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }])),
    damagedRefs: refs.filter(({ digest }) => digest === undefined).map(({ name }) => name),
  };
}

/**
 * Throws DEPENDENCY where a manifest is missing or damaged: what it refers to
 * is not known then, and must not be taken for garbage.
 */
export async function mark(store: Store, { roots, damagedRefs }: Roots, signal: AbortSignal): Promise<DigestTable> {
  const [damaged] = damagedRefs;
  if (damaged !== undefined) throw unsafe(`the name ${damaged} is damaged`, 'set that name again, or delete it');
  const marked = new DigestTable();
  /** Of manifests only, which are few. */
  const read = new Set<Digest>();
  const waiting = [...roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal.throwIfAborted();
    const { digest, name } = next;
    if (read.has(digest)) continue;
    read.add(digest);
    marked.add(digest);
    const found = await scanManifest(store, digest, (link) => {
      if (link.to === 'manifest') waiting.push({ digest: link.digest, name });
      else marked.add(link.digest);
    });
    if (found !== 'ok') throw unsafe(`object ${digest} of ${name} is ${found}`, 'volt cas repair, or delete the name');
  }
  return marked;
}

const unsafe = (why: string, hint: string): VoltError =>
  new VoltError('DEPENDENCY', `Nothing is removed, because what is in use cannot be told: ${why}`, { hint });

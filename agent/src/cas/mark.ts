/** The first half of a collection: everything that is reached from names and from what runs. */
import { VoltError } from '@volt/shared/errors';
import { type Digest, everyRef, type Store } from '../store/index.ts';
import { DigestTable } from './digest-table.ts';
import { scanManifest } from './scan.ts';

/** Where reachability starts. */
export interface Root {
  readonly digest: Digest;
  /** For messages: `images/web:latest`, `a container`. */
  readonly name: string;
}

/**
 * Names first, then what containers use: a name is only deleted when nothing
 * uses it, so what lost its name before the first look shows in the second.
 */
export async function rootsOf(store: Store, treesInUse: () => Promise<readonly Digest[]>): Promise<Root[]> {
  const named = everyRef(store.objects.layout).map(({ kind, name, digest }): Root => {
    if (digest !== undefined) return { digest, name: `${kind}/${name}` };
    throw unsafe(`the name ${kind}/${name} is damaged`, 'delete that name, or set it again');
  });
  const used = (await treesInUse()).map((digest): Root => ({ digest, name: 'what containers run from' }));
  return [...named, ...used];
}

/**
 * Throws DEPENDENCY where a manifest is missing or damaged: what it refers to
 * is not known then, and must not be taken for garbage.
 */
export async function mark(store: Store, roots: readonly Root[], signal: AbortSignal): Promise<DigestTable> {
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

/** What people type to mean an object: a name of any kind, or a digest, or the beginning of one. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type Digest, everyRef, isDigest, linksOf, type NamedRef, type Store } from '../store/index.ts';

export interface Found {
  readonly digest: Digest;
  /** `images/web:latest`; the digest where it has no name. */
  readonly name: string;
}

/** Shorter ones are more likely meant as names. */
const ABBREVIATION = /^[0-9a-f]{6,127}$/;
/** Where a name without a kind is looked for, in this order. */
const kinds = ['images', 'manifests'];

export function resolve(store: Store, text: string): Found {
  const named = findRef(store, text);
  if (named?.digest !== undefined) return { digest: named.digest, name: `${named.kind}/${named.name}` };
  const digest: string = text.replace(/^(?:sha256|sha512|blake3):/, '');
  if (isDigest(digest) && store.objects.has(digest)) return { digest, name: digest };
  if (ABBREVIATION.test(digest) && digest.length !== 64) {
    const [only, ...more] = beginningWith(store, digest);
    if (more.length > 0)
      throw new VoltError('USAGE', `Several objects begin with ${digest}`, { hint: 'type more of it' });
    if (only !== undefined) return { digest: only, name: only };
  }
  throw new VoltError('NOT_FOUND', `No name or object '${text.slice(0, 140)}' in the store`, { hint: 'volt cas refs' });
}

/** `web` is `web:latest`, of an image before anything else; `manifests/web` says which kind is meant. */
export function findRef(store: Store, text: string): NamedRef | undefined {
  const slash = text.indexOf('/');
  const [kind, name] = slash === -1 ? [undefined, text] : [text.slice(0, slash), text.slice(slash + 1)];
  const spellings = name.includes(':') ? [name] : [`${name}:latest`, name];
  const all = everyRef(store.objects.layout).filter((ref) => spellings.includes(ref.name));
  return (kind === undefined ? kinds : [kind])
    .map((wanted) => all.find((ref) => ref.kind === wanted))
    .find((ref) => ref !== undefined);
}

/** The tree of an image, or the tree itself. USAGE for what is neither. */
export async function treeOf(store: Store, { digest, name }: Found): Promise<Digest> {
  const object = await store.objects.open(digest);
  if (object === undefined) throw new VoltError('NOT_FOUND', `Object ${digest} of ${name} is not in the store`);
  const below: Digest[] = [];
  let isTree = false;
  for await (const { digest: one, to } of linksOf(object.chunks)) {
    if (to === 'contents') {
      isTree = true;
      break;
    }
    below.push(one);
  }
  const [tree, ...others] = below;
  return isTree || tree === undefined || others.length > 0 ? digest : tree;
}

function beginningWith(store: Store, start: string): Digest[] {
  try {
    const folder = join(store.objects.layout.objects, start.slice(0, 2));
    return readdirSync(folder).filter((name) => isDigest(name) && name.startsWith(start));
  } catch {
    // No object begins so, and so its folder was never made.
    return [];
  }
}

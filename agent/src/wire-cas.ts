/** The store as a whole, with what it has to know of containers, of other nodes and of the host. */
import { basename, join } from 'node:path';
import type { BuiltFolder, CasOperations } from './api/index.ts';
import { Cas, type Follow } from './cas/index.ts';
import type { Engine } from './engine/index.ts';
import { ingestFolder } from './folders/index.ts';
import { kernelXattrs } from './host/index.ts';
import { checkRef, type Store } from './store/index.ts';
import type { OpenImages } from './wire-images.ts';

export function openCas({ store, sources }: OpenImages, engine: Pick<Engine, 'inUse'>): CasOperations {
  const cas = new Cas({
    store,
    peers: sources,
    // Of those that are stopped too: they start again from the same tree. Their manifest may have lost its name.
    treesInUse: async () => {
      const images = engine.inUse().map(({ image }) => image);
      const manifests = images.map(({ manifest }) => manifest).filter((one) => store.objects.has(one));
      return [...images.map(({ tree }) => tree), ...manifests];
    },
    now: () => new Date(),
  });
  return Object.assign(cas, {
    build: (path: string, name: string | undefined, follow: Follow) => build(store, { path, name, follow }),
  });
}

interface Build {
  readonly path: string;
  readonly name: string | undefined;
  readonly follow: Follow;
}

/** Stores a folder and names its tree, after itself where no name is given. */
async function build(store: Store, { path, name: given, follow }: Build): Promise<BuiltFolder> {
  const [name = '', tag = 'latest'] = (given ?? basename(path)).split(':');
  // Before the work, not after it.
  checkRef(name, tag);
  const { signal, onProgress } = follow;
  using hold = store.holds.open();
  const { tree, files, sizeBytes } = await ingestFolder({
    ...{ root: path, store, hold, xattrs: kernelXattrs, signal },
    cache: join(store.objects.layout.root, 'cache'),
    onProgress: ({ entries }) => onProgress?.({ line: 'Reading', done: entries }),
  });
  await store.refs.manifests.set(name, tag, tree);
  return { name: `${name}:${tag}`, digest: tree, files, sizeBytes };
}

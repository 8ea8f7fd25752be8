/** The store as a whole, with what it has to know of containers and of other nodes. */
import { VoltError } from '@volt/shared/errors';
import type { CasOperations } from './api/index.ts';
import { Cas } from './cas/index.ts';
import type { Engine } from './engine/index.ts';
import type { OpenImages } from './wire-images.ts';

export function openCas({ store, sources }: OpenImages, engine: Pick<Engine, 'observe'>): CasOperations {
  const cas = new Cas({
    store,
    peers: sources,
    // Of those that are stopped too: they start again from the same tree.
    treesInUse: async () => (await engine.observe()).map(({ config }) => config.image.tree),
    now: () => new Date(),
  });
  return Object.assign(cas, {
    build: async () => {
      throw new VoltError('DEPENDENCY', 'Folders cannot be stored yet');
    },
  });
}

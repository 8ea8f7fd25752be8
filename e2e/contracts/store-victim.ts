/**
 * Works on a store until it is killed: `node store-victim.ts STORE PEER`. Says
 * on standard output what it has begun, a letter each.
 */
import { any, casOf, openAt, pullTree, signal, writeTree } from './store-work.ts';

const [folder = '', peerFolder = ''] = process.argv.slice(2);
const [store, peer] = await Promise.all([openAt(folder), openAt(peerFolder)]);
const cas = casOf(store);
const offered = peer.refs.manifests.list();

const works: Record<string, () => Promise<unknown>> = {
  i: async () => {
    const tree = await writeTree(store, `w${any(4)}`, { files: 1 + any(100), texts: 150 });
    if (any(2) === 0) await store.lowers.materialise(tree);
  },
  p: async () => pullTree(store, peer, { tree: offered[any(offered.length)]!.digest, name: `p${any(4)}` }),
  g: async () => cas.collect(false, { signal }),
  d: async () => {
    store.refs.manifests.delete(`w${any(4)}`, 'latest');
    store.refs.images.delete(`p${any(4)}`, 'latest');
  },
  c: async () => cas.status(signal),
};

process.stdout.write('begin\n');
/** Two at a time, so that it is killed in the middle of one beside the other. */
await Promise.all(
  [0, 1].map(async () => {
    for (;;) {
      const letter = 'iippgddc'[any(8)]!;
      process.stdout.write(letter);
      // Only one collection at a time is allowed.
      await works[letter]!().catch((thrown: unknown) => {
        if ((thrown as { code?: string }).code !== 'CONFLICT') throw thrown;
      });
    }
  }),
);

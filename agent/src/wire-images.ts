/** Images of this node, as the doors, the engine and the cluster ask for them. */
import type { ImageSummary } from '@volt/shared/model';
import type { Settings } from '@volt/shared/daemon';
import type { ClusterConnection } from '@volt/shared/kv';
import type { ClusterConfig, ClusterIdentity, TlsIdentity } from '@volt/shared/pki';
import type { ImageOperations } from './api/index.ts';
import type { Engine, Images as EngineImages } from './engine/index.ts';
import { kernelSpecialFiles, type Programs } from './host/index.ts';
import { Images, RemoteImages } from './images/index.ts';
import { Partials, Registries } from './oci/index.ts';
import { Peers } from './peers/index.ts';
import { decodeTree, openStore, readTreeFile, serveObjects, type ObjectSource, type Store } from './store/index.ts';
import { imageOperations, pullFrom, sourcesOf } from './wire-image-operations.ts';

export interface ImagesWire {
  readonly programs: Programs;
  /** Null on a machine that is in no cluster: there are no peers then. */
  readonly identity: ClusterIdentity | null;
  /** What this node shows to its peers. */
  readonly tls: TlsIdentity | null;
  readonly line: Pick<ClusterConnection, 'kv'> | null;
  readonly settings: Pick<Settings, 'agent.port' | 'store.lowers'>;
}

/** What the cluster's loop asks of images. */
export interface ImageService {
  list(): Promise<ImageSummary[]>;
  /** Resolves once all of it is in the store, fetched from peers if need be. */
  ensure(name: string, manifest: string, signal: AbortSignal): Promise<void>;
}

export interface OpenImages {
  readonly operations: ImageOperations;
  readonly forEngine: EngineImages;
  readonly service: ImageService;
  readonly serveObjects: (digests: readonly string[], from: number) => AsyncIterable<Uint8Array>;
  readonly store: Store;
  /** The other nodes, as sources of objects. */
  readonly sources: () => Promise<ObjectSource[]>;
  /** Images ask the engine who uses them, and the engine asks images for trees: one of them comes second. */
  use(engine: Pick<Engine, 'inUse'>): void;
  /** Peers are shown another certificate from here on. */
  renewed(): void;
  close(): void;
}

const STORE_ROOT = '/var/lib/volt/cas';
const LOWERS = '/var/lib/volt/images';
const SCRATCH = '/var/lib/volt/cas/tmp';
const PARTIALS = '/var/lib/volt/cas/partial';
const REGISTRIES = '/etc/volt/registries.yaml';
/** Account files of an image. Millions of users are not worth the memory. */
const ACCOUNTS_BYTES_MAX = 4 * 1024 * 1024;

export async function openImages(wire: ImagesWire): Promise<OpenImages> {
  const { programs, identity, tls, settings } = wire;
  let engine: Pick<Engine, 'inUse'> | undefined;
  const usersOf = async (what: 'image' | 'tree', digest: string) =>
    (engine?.inUse() ?? [])
      .filter(({ image }) => image[what === 'image' ? 'manifest' : 'tree'] === digest)
      .map(({ name }) => name);

  const where = { root: STORE_ROOT, images: LOWERS, lowers: settings['store.lowers'] };
  const store = await openStore({ ...where, programs, specials: kernelSpecialFiles });
  const images = new Images({ store, programs, usersOf, scratch: SCRATCH, now: () => new Date() });
  const registries = new Registries(REGISTRIES);
  const partials = new Partials(PARTIALS);
  const { names } = images;
  const remote = new RemoteImages({ store, names, registries, partials, scratch: SCRATCH, now: () => new Date() });
  const peers = identity === null || tls === null ? null : openPeers(wire, identity.config, tls);
  const pulls = new Map<string, Promise<unknown>>();

  return {
    operations: imageOperations({ images, remote, registries, peers }),
    forEngine: {
      resolve: (name) => images.resolve(name),
      open: (manifest) => images.open(manifest),
      ensureLower: (tree, signal) => images.ensureLower(tree, signal),
      tree: (tree) => decodeTree(store.objects.read(tree)),
      commit: (image, source, signal) => images.commit(image, source, signal),
      readFile: async (tree, path) => readTreeFile(store.objects, tree, path, ACCOUNTS_BYTES_MAX)?.toString('utf8'),
    },
    service: {
      list: () => images.list(),
      ensure: async (name, digest, signal) => {
        // Several replicas of one image on this node wait for one transfer.
        const running = pulls.get(digest) ?? pullFrom(images, peers, { name, digest }, signal);
        pulls.set(digest, running);
        await running.finally(() => pulls.delete(digest));
      },
    },
    serveObjects: (digests, from) => serveObjects(store.objects, digests, from),
    store,
    sources: () => sourcesOf(peers),
    use: (given) => {
      engine = given;
    },
    renewed: () => peers?.renewed(),
    close: () => peers?.close(),
  };
}

function openPeers({ line, settings }: ImagesWire, config: ClusterConfig, identity: TlsIdentity): Peers {
  return new Peers({
    identity,
    port: settings['agent.port'],
    list: async () => {
      const records = (await line?.kv.list('nodes')) ?? [];
      return records.flatMap(({ value }) =>
        value === null || value.name === config.node ? [] : [{ name: value.name, address: value.address }],
      );
    },
  });
}

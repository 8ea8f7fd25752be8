/** Images of this node, as the doors, the engine and the cluster ask for them. */
import { VoltError } from '@volt/shared/errors';
import type { ImageSummary } from '@volt/shared/model';
import type { ClusterConnection } from '@volt/shared/kv';
import type { ClusterIdentity } from '@volt/shared/pki';
import type { ImageOperations, OnProgress } from './api/index.ts';
import type { Engine, Images as EngineImages } from './engine/index.ts';
import { kernelSpecialFiles, type Programs } from './host/index.ts';
import { Images } from './images/index.ts';
import { Peers } from './peers/index.ts';
import {
  openStore,
  readTreeFile,
  serveObjects,
  type FetchProgress,
  type LowersSetting,
  type ObjectSource,
  type Store,
} from './store/index.ts';

export interface ImagesWire {
  readonly programs: Programs;
  /** Null on a machine that is in no cluster: there are no peers then. */
  readonly identity: ClusterIdentity | null;
  readonly line: Pick<ClusterConnection, 'kv'> | null;
  readonly agentPort: number;
  readonly lowers?: LowersSetting | undefined;
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
  readonly serveObjects: (digests: readonly string[]) => AsyncIterable<Uint8Array>;
  readonly store: Store;
  /** The other nodes, as sources of objects. */
  readonly sources: () => Promise<ObjectSource[]>;
  /** Images ask the engine who uses them, and the engine asks images for trees: one of them comes second. */
  use(engine: Pick<Engine, 'observe'>): void;
  close(): void;
}

const STORE_ROOT = '/var/lib/volt/cas';
const LOWERS = '/var/lib/volt/images';
const SCRATCH = '/var/lib/volt/cas/tmp';
/** Account files of an image. Millions of users are not worth the memory. */
const ACCOUNTS_BYTES_MAX = 4 * 1024 * 1024;

export async function openImages(wire: ImagesWire): Promise<OpenImages> {
  const { programs, identity, lowers } = wire;
  let engine: Pick<Engine, 'observe'> | undefined;
  const usersOf = async (tree: string) =>
    ((await engine?.observe()) ?? [])
      .filter(({ config }) => config.image.tree === tree)
      .map(({ status }) => status.name);

  const store = await openStore({ root: STORE_ROOT, images: LOWERS, programs, specials: kernelSpecialFiles, lowers });
  const images = new Images({ store, programs, usersOf, scratch: SCRATCH, now: () => new Date() });
  const peers = identity === null ? null : openPeers(wire, identity);
  const pulls = new Map<string, Promise<unknown>>();

  return {
    operations: operationsOf(images, peers),
    forEngine: {
      resolve: (name) => images.resolve(name),
      open: (manifest) => images.open(manifest),
      ensureLower: (tree, signal) => images.ensureLower(tree, signal),
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
    serveObjects: (digests) => serveObjects(store.objects, digests),
    store,
    sources: () => sourcesOf(peers),
    use: (given) => {
      engine = given;
    },
    close: () => peers?.close(),
  };
}

function openPeers({ line, agentPort }: ImagesWire, { ca, cert, key, config }: ClusterIdentity): Peers {
  return new Peers({
    identity: { ca, cert, key },
    port: agentPort,
    list: async () => {
      const records = (await line?.kv.list('nodes')) ?? [];
      return records.flatMap(({ value }) =>
        value === null || value.name === config.node ? [] : [{ name: value.name, address: value.address }],
      );
    },
  });
}

function operationsOf(images: Images, peers: Peers | null): ImageOperations {
  return {
    build: async (request, onProgress, signal) => images.build({ ...request, onLine: inOrder(onProgress) }, signal),
    importTar: (request, signal) => images.importTar(request, signal),
    pull: async (name, onProgress, signal) => {
      if (peers === null) {
        throw new VoltError('DEPENDENCY', 'This machine is in no cluster to fetch images from', {
          hint: 'volt cluster join, or volt image import',
        });
      }
      const digest = await peers.findImage(name, signal);
      await pullFrom(images, peers, { name, digest, onProgress }, signal);
      const found = (await images.list()).find((image) => image.digest === digest);
      if (found === undefined) throw new VoltError('CONFLICT', `Image '${name}' was deleted while it was fetched`);
      return found;
    },
    list: () => images.list(),
    inspect: (name) => images.inspect(name),
    delete: (name) => images.delete(name),
  };
}

async function pullFrom(
  images: Images,
  peers: Peers | null,
  what: { name: string; digest: string; onProgress?: OnProgress },
  signal: AbortSignal,
): Promise<void> {
  const { name, digest, onProgress } = what;
  const tell = onProgress === undefined ? undefined : inOrder(onProgress);
  const told = ({ objects, objectsTotal }: FetchProgress) => tell?.(`${objects} of ${objectsTotal} files`);
  await images.pull({ digest, name, peers: await sourcesOf(peers), onProgress: told }, signal);
}

/** No peers is no error by itself: what is wanted may be here already. */
async function sourcesOf(peers: Peers | null): Promise<ObjectSource[]> {
  if (peers === null) return [];
  // Without a cluster to ask who there is, only what is here can serve.
  const known = await peers.list().catch(() => []);
  return known.map((peer) => ({
    name: peer.name,
    fetch: (digests, signal) => peers.fetchObjects(peer, digests, signal),
  }));
}

/** Lines come faster than a slow reader takes them; while it is busy, only the newest waits. */
function inOrder(onProgress: OnProgress): (line: string) => void {
  let waiting: string | undefined;
  let isBusy = false;
  const send = async () => {
    isBusy = true;
    while (waiting !== undefined) {
      const line = waiting;
      waiting = undefined;
      // A reader that has gone is noticed by the work itself, through its signal.
      await onProgress({ line }).catch(() => {});
    }
    isBusy = false;
  };
  return (line) => {
    waiting = line;
    if (!isBusy) void send();
  };
}

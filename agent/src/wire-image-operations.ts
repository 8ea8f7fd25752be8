/** What the doors ask of images, and what the cluster's loop does. */
import { VoltError } from '@volt/shared/errors';
import type { ImageOperations, OnProgress } from './api/index.ts';
import type { Images, RemoteImages } from './images/index.ts';
import { isRemote, type Registries } from './oci/index.ts';
import type { Peers } from './peers/index.ts';
import type { FetchProgress, ObjectSource } from './store/index.ts';

export interface ImageParts {
  readonly images: Images;
  readonly remote: RemoteImages;
  readonly registries: Registries;
  /** Null on a machine that is in no cluster. */
  readonly peers: Peers | null;
}

export function imageOperations({ images, remote, registries, peers }: ImageParts): ImageOperations {
  return {
    build: async (request, onProgress, signal) => images.build({ ...request, onLine: inOrder(onProgress) }, signal),
    importTar: (request, onProgress, signal) => images.importTar({ ...request, onLine: inOrder(onProgress) }, signal),
    pull: async (request, onProgress, signal) => {
      if (isRemote(request.reference)) return remote.pull({ ...request, onLine: inOrder(onProgress) }, signal);
      const name = request.reference;
      if (peers === null) {
        throw new VoltError('DEPENDENCY', 'This machine is in no cluster to fetch images from', {
          hint: `volt cluster join; from a registry: volt image pull docker.io/${name.slice(0, 80)}`,
        });
      }
      const digest = await peers.findImage(name, signal);
      await pullFrom(images, peers, { name: request.name ?? name, digest, onProgress }, signal);
      const found = images.names.list().find((image) => image.digest === digest);
      if (found === undefined) throw new VoltError('CONFLICT', `Image '${name}' was deleted while it was fetched`);
      return found;
    },
    push: ({ compress: packing, ...request }, onProgress, signal) =>
      remote.push({ ...request, packing, onLine: inOrder(onProgress) }, signal),
    export: ({ compress: packing, ...request }, signal) => images.export({ ...request, packing }, signal),
    inspect: (name) => images.inspect(name),
    history: (name) => images.history(name),
    verify: async (name, onProgress, signal) => ({
      name,
      ...(await images.verify(name, inOrder(onProgress), signal)),
    }),
    names: images.names,
    registries: {
      login: ({ host, ...credentials }, signal) => registries.login(host, credentials, signal),
      logout: (host) => registries.logout(host),
      list: () => registries.list(),
    },
  };
}

/** Fetches an image from other nodes, as far as it is not here. */
export async function pullFrom(
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
export async function sourcesOf(peers: Peers | null): Promise<ObjectSource[]> {
  if (peers === null) return [];
  // Without a cluster to ask who there is, only what is here can serve.
  const known = await peers.list().catch(() => []);
  // Nodes that want the same at the same time begin with different ones.
  return fromAnyOne(known).map((peer) => ({
    name: peer.name,
    fetch: (digests, signal) => peers.fetchObjects(peer, digests, signal),
    fetchRest: (digest, from, signal) => peers.fetchRest(peer, { digest, from }, signal),
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

function fromAnyOne<T>(items: readonly T[]): T[] {
  const first = Math.floor(Math.random() * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** An image of a registry, opened: its documents are read, its layers come while they are read. */
import { VoltError } from '@volt/shared/errors';
import { hasDigest, ociDigestOf } from './digest.ts';
import { DOCUMENT_BYTES_MAX, manifestTypes } from './documents.ts';
import { readAll } from './http.ts';
import { LayerFetch } from './layer-fetch.ts';
import { openImage, type BlobSource, type OpenImage, type WantedPlatform } from './open-image.ts';
import type { Ask, Partials } from './partials.ts';
import type { Registry } from './registry.ts';
import { type RemoteReference, spellRemote } from './remote-reference.ts';
import type { Descriptor } from './schemas.ts';

export interface RegistryPull {
  readonly registry: Registry;
  readonly reference: RemoteReference;
  readonly wanted: WantedPlatform;
  readonly partials: Partials;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** What of an image is fetched ahead goes away with it, or stays for the next attempt. */
export interface RegistryImage extends Disposable {
  readonly image: OpenImage;
  /** Nothing of it is of use to another attempt. */
  forget(): void;
}

/** Throws NOT_FOUND where the registry does not have it, INVALID_CONFIG where what it has does not hold together. */
export async function openRegistryImage(pull: RegistryPull): Promise<RegistryImage> {
  const { reference, wanted, signal } = pull;
  const top = await fetchManifest(pull, reference.digest ?? reference.tag ?? 'latest');
  const fetch = new LayerFetch({ ...pull, askFor: (layer, given) => askFor(layer, { ...pull, signal: given }) });
  const source: BlobSource = {
    document: async (descriptor) => {
      if (descriptor.digest === top.descriptor.digest) return top.bytes;
      if (manifestTypes.includes(descriptor.mediaType)) return (await fetchManifest(pull, descriptor.digest)).bytes;
      return fetchDocument(pull, descriptor);
    },
    expect: (layers) => fetch.expect(layers),
    layer: (descriptor) => fetch.open(descriptor),
  };
  const image = await openImage({ source, root: top.descriptor, reference: spellRemote(reference), wanted, signal });
  return { image, forget: () => fetch.forget(), [Symbol.dispose]: () => fetch[Symbol.dispose]() };
}

/** From where it broke off, or from the start where the registry cannot go on. */
function askFor({ digest }: Descriptor, { registry, reference, signal }: RegistryPull): Ask {
  return async (from) => {
    const answer = await registry.send({
      method: 'GET',
      path: `/v2/${reference.repository}/blobs/${digest}`,
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      scope: pullScope(reference),
      expect: [200, 206],
      signal,
    });
    const isPart = answer.status === 206 && answer.header('content-range')?.startsWith(`bytes ${from}-`) === true;
    if (answer.status === 200 || isPart) return { from: isPart ? from : 0, chunks: answer.body };
    answer.discard();
    throw new VoltError(
      'DEPENDENCY',
      `Registry ${registry.host} sends another part of ${digest} than it was asked for`,
    );
  };
}

async function fetchManifest(
  { registry, reference, signal }: RegistryPull,
  which: string,
): Promise<{ descriptor: Descriptor; bytes: Buffer }> {
  const answer = await registry.send({
    method: 'GET',
    path: `/v2/${reference.repository}/manifests/${which}`,
    headers: { accept: manifestTypes.join(', ') },
    scope: pullScope(reference),
    expect: [200],
    signal,
  });
  const bytes = await readAll(answer, DOCUMENT_BYTES_MAX);
  if (which.includes(':') && !hasDigest(bytes, which)) {
    throw new VoltError('INVALID_CONFIG', `Registry ${registry.host} gives another manifest than ${which}`);
  }
  const [type = ''] = (answer.header('content-type') ?? '').split(';');
  // Servers that do not know better say what every JSON is; the manifest says what it is itself.
  const mediaType = /^(?:application\/(?:json|octet-stream)|text\/plain)$/.test(type.trim()) ? '' : type.trim();
  const digest = which.includes(':') ? which : ociDigestOf(bytes);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

async function fetchDocument(pull: RegistryPull, { digest, size }: Descriptor): Promise<Buffer> {
  if (size > DOCUMENT_BYTES_MAX) {
    throw new VoltError('INVALID_CONFIG', 'Bad image: its configuration is larger than 4 MiB');
  }
  const { registry, reference, signal } = pull;
  const answer = await registry.send({
    method: 'GET',
    path: `/v2/${reference.repository}/blobs/${digest}`,
    scope: pullScope(reference),
    expect: [200],
    signal,
  });
  return readAll(answer, size);
}

const pullScope = ({ repository }: RemoteReference): string => `repository:${repository}:pull`;

/** An image of elsewhere, opened: what is known of it, and its layers, to be read in order. */
import { VoltError } from '@volt/shared/errors';
import { hasDigest, type OciDigest, verified } from './digest.ts';
import { parseConfig, parseImageDocument } from './documents.ts';
import { fromConfigDocument, type KnownConfig } from './image-config.ts';
import { choosePlatform, fits, spellPlatform } from './platform.ts';
import type { Descriptor, Manifest, Platform } from './schemas.ts';

export interface OpenLayer {
  /** Of the archive when it is unpacked. */
  readonly diffId: OciDigest;
  /** As it is kept, packed or not. */
  readonly sizeBytes: number;
  /** The archive as it is kept. Throws INVALID_CONFIG at its end where it is not what the manifest says. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface OpenImage extends KnownConfig {
  /** Of its manifest. In an archive of `docker save`, which has none, of its configuration. */
  readonly digest: OciDigest;
  /** What it is called where it is from. */
  readonly reference: string | undefined;
  readonly layers: readonly OpenLayer[];
}

/** Where blobs come from: a layout, or a registry. What it gives is not trusted. */
export interface BlobSource {
  /** A manifest, an index or a configuration, whole. */
  document(descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array>;
  /** Told before the first layer is asked for: all there will be. */
  expect?(layers: readonly Descriptor[]): void;
  layer(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface WantedPlatform {
  readonly platform: Platform;
  /** Asked for by somebody, rather than what this machine is. */
  readonly isAsked: boolean;
}

/** An index in an index in an index: more is a circle, or a trap. */
const INDEX_DEPTH_MAX = 3;

export interface OpenOptions {
  readonly source: BlobSource;
  readonly root: Descriptor;
  readonly reference: string | undefined;
  readonly wanted: WantedPlatform;
  readonly signal: AbortSignal;
}

/** Follows indexes to the manifest for the platform. Throws INVALID_CONFIG for what does not hold together. */
export async function openImage({ source, root, reference, wanted, signal }: OpenOptions): Promise<OpenImage> {
  const { descriptor, manifest } = await findManifest(source, { root, wanted: wanted.platform, signal });
  const document = parseConfig(await documentOf(source, manifest.config, signal));
  const known = fromConfigDocument(document);
  const { diff_ids: diffIds } = document.rootfs;
  if (diffIds.length !== manifest.layers.length) {
    throw bad(`its manifest has ${manifest.layers.length} layers and its configuration ${diffIds.length}`);
  }
  const left = warningsOf(known, wanted);
  source.expect?.(manifest.layers);
  const layers = manifest.layers.map((layer, index): OpenLayer => {
    const open = (given: AbortSignal) => verified(source.layer(layer, given), layer);
    return { diffId: diffIds[index] as OciDigest, sizeBytes: layer.size, open };
  });
  return { ...known, left, digest: descriptor.digest, reference, layers };
}

export function warningsOf(known: KnownConfig, { platform, isAsked }: WantedPlatform): string[] {
  if (known.platform.architecture === '' || fits(known.platform, platform)) return [...known.left];
  const made = spellPlatform(known.platform);
  if (!isAsked) return [...known.left, `The image is made for ${made}, this machine is ${spellPlatform(platform)}`];
  throw new VoltError('NOT_FOUND', `The image is not made for ${spellPlatform(platform)}`, {
    hint: `it is for ${made}`,
  });
}

async function findManifest(
  source: BlobSource,
  { root, wanted, signal }: { root: Descriptor; wanted: Platform; signal: AbortSignal },
): Promise<{ descriptor: Descriptor; manifest: Manifest }> {
  let descriptor = root;
  for (let depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
    const document = parseImageDocument(await documentOf(source, descriptor, signal), descriptor.mediaType);
    if (document.kind === 'manifest') return { descriptor, manifest: document.manifest };
    descriptor = choosePlatform(document.index.manifests, wanted);
  }
  throw bad(`its indexes are more than ${INDEX_DEPTH_MAX} deep`);
}

async function documentOf(source: BlobSource, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await source.document(descriptor, signal);
  if (bytes.byteLength === descriptor.size && hasDigest(bytes, descriptor.digest)) return bytes;
  throw bad(`what should be ${descriptor.digest} is something else`);
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad image: ${why}`);

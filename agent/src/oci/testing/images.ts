/** For tests: images as other engines keep them, made piece by piece, and wrong where a test wants them wrong. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type RawEntry, tarOf } from '../../tar/testing.ts';
import { mediaTypes } from '../documents.ts';

export { mediaTypes };

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export const descriptorOf = ({ mediaType, bytes }: Blob, more: object = {}) => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.length,
  ...more,
});

export const blobOf = (mediaType: string, value: unknown): Blob => ({
  mediaType,
  bytes: Buffer.from(JSON.stringify(value)),
});

export interface TestImage {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

export interface TestImageOptions {
  readonly config?: object;
  readonly document?: object;
  readonly manifest?: object;
  /** How a layer is kept; gzip unless given. */
  readonly pack?: (tar: Buffer) => Blob;
}

const gzipped = (tar: Buffer): Blob => ({ mediaType: `${mediaTypes.layer}+gzip`, bytes: gzipSync(tar) });

/** Layers are tar archives, from the lowest up. */
export function imageOf(tars: readonly Buffer[], options: TestImageOptions = {}): TestImage {
  const layers = tars.map(options.pack ?? gzipped);
  const config = blobOf(mediaTypes.config, {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
    ...options.document,
  });
  const manifest = blobOf(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config),
    layers: layers.map((layer) => descriptorOf(layer)),
    ...options.manifest,
  });
  return { manifest, config, layers };
}

export const blobsOf = ({ manifest, config, layers }: TestImage): Blob[] => [manifest, config, ...layers];

export const indexOf = (...manifests: object[]): Blob =>
  blobOf(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });

const blobEntry = ({ bytes }: Blob): RawEntry => ({
  name: `blobs/${sha256(bytes).replace(':', '/')}`,
  contents: bytes,
});

/** An OCI layout. `tops` are the descriptors in its index.json. */
export const layoutOf = (blobs: readonly Blob[], tops: readonly object[], more: readonly RawEntry[] = []): Buffer =>
  tarOf(
    { name: 'blobs/', flag: '5' },
    ...blobs.map(blobEntry),
    ...more,
    { name: 'index.json', contents: indexOf(...tops).bytes },
    { name: 'oci-layout', contents: '{"imageLayoutVersion":"1.0.0"}' },
  );

/** The layout of one image. */
export const layoutOfImage = (image: TestImage): Buffer => layoutOf(blobsOf(image), [descriptorOf(image.manifest)]);

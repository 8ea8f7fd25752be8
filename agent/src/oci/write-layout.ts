/**
 * An image of one layer as OCI and Docker both read it: the layout of the OCI
 * image specification, and beside it the table of contents of `docker save`.
 */
import { createReadStream } from 'node:fs';
import { END_OF_TAR, paddingOf, tarHeader } from '../tar/index.ts';
import { type OciDigest, ociDigestOf } from './digest.ts';
import { mediaTypes } from './documents.ts';
import { toConfigDocument, type ToConfigDocument } from './image-config.ts';
import type { PackedLayer } from './pack-layer.ts';
import type { Descriptor } from './schemas.ts';

/** The documents of an image, as bytes, and the layer they speak of. */
export interface ImageDocuments {
  readonly config: { readonly bytes: Buffer; readonly descriptor: Descriptor };
  readonly manifest: { readonly bytes: Buffer; readonly descriptor: Descriptor };
  readonly layer: PackedLayer;
}

export function documentsOf(layer: PackedLayer, known: Omit<ToConfigDocument, 'diffId'>): ImageDocuments {
  const config = described(toConfigDocument({ ...known, diffId: layer.diffId }), mediaTypes.config);
  const { mediaType, digest, size } = layer;
  const body = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [{ mediaType, digest, size }],
  };
  return { config, manifest: described(Buffer.from(JSON.stringify(body)), mediaTypes.manifest), layer };
}

const described = (bytes: Buffer, mediaType: string) => ({
  bytes,
  descriptor: { mediaType, digest: ociDigestOf(bytes), size: bytes.length },
});

/** The archive, in chunks. Equal images give equal bytes. */
export async function* layoutTar(
  { config, manifest, layer }: ImageDocuments,
  { name, tag }: { readonly name: string; readonly tag: string },
): AsyncGenerator<Buffer> {
  const full = `${name}:${tag}`;
  const annotations = { 'io.containerd.image.name': full, 'org.opencontainers.image.ref.name': tag };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...manifest.descriptor, annotations }],
  };
  const docker = [{ Config: blobName(config.descriptor.digest), RepoTags: [full], Layers: [blobName(layer.digest)] }];
  yield file('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield file('index.json', Buffer.from(JSON.stringify(index)));
  yield file('manifest.json', Buffer.from(JSON.stringify(docker)));
  yield Buffer.concat([header('blobs/', 0), header('blobs/sha256/', 0)]);
  yield file(blobName(config.descriptor.digest), config.bytes);
  yield file(blobName(manifest.descriptor.digest), manifest.bytes);
  yield header(blobName(layer.digest), layer.size);
  yield* createReadStream(layer.path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  yield Buffer.concat([paddingOf(layer.size), END_OF_TAR]);
}

const blobName = (digest: OciDigest): string => `blobs/${digest.replace(':', '/')}`;

const file = (name: string, bytes: Buffer): Buffer =>
  Buffer.concat([header(name, bytes.length), bytes, paddingOf(bytes.length)]);

function header(name: string, sizeBytes: number): Buffer {
  const isFolder = name.endsWith('/');
  const fixed = { uid: 0, gid: 0, mtime: '0', linkName: '', major: 0, minor: 0, xattrs: new Map<string, string>() };
  return tarHeader({ name, type: isFolder ? 'dir' : 'file', mode: isFolder ? 0o755 : 0o644, sizeBytes, ...fixed });
}

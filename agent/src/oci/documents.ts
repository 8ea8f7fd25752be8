/** Reads the documents of images. Throws INVALID_CONFIG, in one line, for what is not one. */
import { VoltError } from '@volt/shared/errors';
import type * as z from 'zod';
import { ConfigDocument, DockerArchive, Index, Manifest } from './schemas.ts';

/** What registries must take at most, as the distribution specification says. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

const manifests: readonly string[] = [mediaTypes.manifest, mediaTypes.dockerManifest];
const indexes: readonly string[] = [mediaTypes.index, mediaTypes.dockerIndex];

export const manifestTypes: readonly string[] = [...manifests, ...indexes];

const OCI_LAYER = /^application\/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?$/;
const DOCKER_LAYER = /^application\/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?$/;

export type ImageDocument =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly index: Index };

/** A manifest or an index. `mediaType` is what whoever sent it calls it. */
export function parseImageDocument(bytes: Uint8Array, mediaType: string): ImageDocument {
  const value = parseJson(bytes, 'manifest');
  const { schemaVersion, mediaType: own, layers, config, manifests: list } = value;
  if (schemaVersion === 1) {
    throw new VoltError('INVALID_CONFIG', 'Bad image: its manifest is of the first Docker format', {
      hint: 'push it again with a client of this decade',
    });
  }
  // What is both could be one thing to who checked it and another to us.
  const isIndex = list !== undefined;
  if (isIndex && (layers !== undefined || config !== undefined)) throw bad('its manifest is an index at the same time');
  const claims = [mediaType, own].filter((claim) => claim !== undefined && claim !== '');
  const allowed = isIndex ? indexes : manifests;
  for (const claim of claims) {
    if (!allowed.includes(String(claim))) throw bad(`its manifest is called '${String(claim).slice(0, 80)}'`);
  }
  if (isIndex) return { kind: 'index', index: parse(Index, value, 'index') };
  const manifest = parse(Manifest, value, 'manifest');
  for (const layer of manifest.layers) {
    const isLayer = OCI_LAYER.test(layer.mediaType) || DOCKER_LAYER.test(layer.mediaType);
    if (!isLayer) throw bad(`a layer is of the unknown type '${layer.mediaType}'`);
  }
  return { kind: 'manifest', manifest };
}

export const parseIndex = (bytes: Uint8Array): Index => parse(Index, parseJson(bytes, 'index'), 'index');

export const parseConfig = (bytes: Uint8Array): ConfigDocument =>
  parse(ConfigDocument, parseJson(bytes, 'configuration'), 'configuration');

export const parseDockerArchive = (bytes: Uint8Array): DockerArchive =>
  parse(DockerArchive, parseJson(bytes, 'manifest.json'), 'manifest.json');

function parseJson(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes.byteLength > DOCUMENT_BYTES_MAX) throw bad(`its ${what} is larger than 4 MiB`);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw bad(`its ${what} is not JSON`);
}

function parse<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where =
    issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.map(String).join('.').slice(0, 80)}`;
  throw bad(`its ${what} is malformed${where}: ${issue?.message ?? ''}`);
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad image: ${why}`);

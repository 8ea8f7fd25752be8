/**
 * The documents of images, as the OCI image specification and Docker write
 * them: what we need of them. Keys we do not know are ignored.
 */
import * as z from 'zod';

/** Real images have up to 127; a pull of one with more would never end. */
export const LAYERS_MAX = 512;
const MANIFESTS_MAX = 1000;
const HISTORY_MAX = 2 * LAYERS_MAX;

const Digest = z.string().regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, 'not a digest');
const Size = z
  .int()
  .min(0)
  .max(2 ** 40);
const Texts = z.record(z.string(), z.string()).nullish();

export const Platform = z.object({
  os: z.string().max(64),
  architecture: z.string().max(64),
  variant: z.string().max(64).nullish(),
});
export type Platform = z.output<typeof Platform>;

export const Descriptor = z.object({
  mediaType: z.string().max(256),
  digest: Digest,
  size: Size,
  annotations: Texts,
  platform: Platform.nullish(),
});
export type Descriptor = z.output<typeof Descriptor>;

export const Manifest = z.object({
  schemaVersion: z.literal(2),
  config: Descriptor,
  layers: z.array(Descriptor).max(LAYERS_MAX, `more than ${LAYERS_MAX} layers`),
  annotations: Texts,
});
export type Manifest = z.output<typeof Manifest>;

export const Index = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(Descriptor).max(MANIFESTS_MAX, `more than ${MANIFESTS_MAX} manifests`),
});
export type Index = z.output<typeof Index>;

export const History = z.object({
  created: z.string().max(64).nullish(),
  created_by: z.string().nullish(),
  comment: z.string().nullish(),
  empty_layer: z.boolean().nullish(),
});

/** The configuration that an image's manifest names. */
export const ConfigDocument = z.object({
  created: z.string().max(64).nullish(),
  architecture: z.string().max(64).default(''),
  os: z.string().max(64).default('linux'),
  variant: z.string().max(64).nullish(),
  config: z
    .object({
      User: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      WorkingDir: z.string().nullish(),
      Labels: Texts,
      StopSignal: z.string().nullish(),
      // Docker's own, and not of OCI.
      Healthcheck: z.unknown().optional(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(Digest).max(LAYERS_MAX, `more than ${LAYERS_MAX} layers`) }),
  history: z.array(History).max(HISTORY_MAX).nullish(),
});
export type ConfigDocument = z.output<typeof ConfigDocument>;

/** manifest.json of `docker save`. */
export const DockerArchive = z
  .array(
    z.object({
      Config: z.string().max(512),
      RepoTags: z.array(z.string().max(512)).nullish(),
      Layers: z.array(z.string().max(512)).max(LAYERS_MAX, `more than ${LAYERS_MAX} layers`),
    }),
  )
  .max(MANIFESTS_MAX);
export type DockerArchive = z.output<typeof DockerArchive>;

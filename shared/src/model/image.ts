import * as z from 'zod';
import { Argv } from './argv.ts';
import { Env } from './container.ts';
import { ImageHealth } from './health.ts';
import { Digest, ImageName } from './names.ts';
import { volumeTargets } from './volume.ts';

/** How programs of an image are run unless the user says otherwise. */
export const ImageConfig = z.object({
  entrypoint: Argv.default([]),
  cmd: Argv.default([]),
  env: Env.default({}),
  workdir: z.string().max(4096).default('/'),
  user: z.string().max(64).default(''),
  exposedPorts: z.array(z.string().regex(/^\d{1,5}\/(?:tcp|udp)$/)).default([]),
  stopSignal: z
    .string()
    .regex(/^SIG[A-Z0-9+]{1,12}$/)
    .default('SIGTERM'),
  labels: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string().max(4095)).max(64).optional().describe('Paths that its containers get volumes at.'),
  healthcheck: ImageHealth.optional(),
});
export type ImageConfig = z.output<typeof ImageConfig>;

/** What a user may say of it; what is not said is as the image has it. */
export const ImageOverrides = z.object({
  entrypoint: Argv.optional(),
  cmd: Argv.optional(),
  env: Env.optional(),
  workdir: ImageConfig.shape.workdir.unwrap().optional(),
  user: ImageConfig.shape.user.unwrap().optional(),
  exposedPorts: ImageConfig.shape.exposedPorts.unwrap().optional(),
  volumes: z
    .array(z.string().refine((path) => volumeTargets([path]).length === 1, { error: 'no volume can be there' }))
    .max(64)
    .optional(),
  stopSignal: ImageConfig.shape.stopSignal.unwrap().optional(),
});
export type ImageOverrides = z.output<typeof ImageOverrides>;

export const ImagePlatform = z.object({
  os: z.string().max(64),
  architecture: z.string().max(64),
  variant: z.string().max(64).optional(),
});
export type ImagePlatform = z.output<typeof ImagePlatform>;

/** One step of how an image was made. */
export const ImageStep = z.object({
  createdAt: z.iso.datetime().optional(),
  createdBy: z.string().optional(),
  comment: z.string().optional(),
  author: z.string().optional(),
  hasFiles: z.boolean().describe('Whether it changed files, rather than only how programs are run.'),
});
export type ImageStep = z.output<typeof ImageStep>;

/** Where an image of elsewhere is from. */
export const ImageOrigin = z.object({
  format: z.enum(['oci', 'docker', 'registry']),
  digest: z.string().max(160).describe('Of its manifest there, such as sha256:….'),
  reference: z.string().max(512).optional().describe('What it is called there.'),
  builtAt: z.iso.datetime().optional().describe('When it was made, by its own account.'),
});
export type ImageOrigin = z.output<typeof ImageOrigin>;

export const ImageSummary = z.object({
  name: ImageName,
  digest: Digest.describe('Of the image manifest.'),
  sizeBytes: z.int(),
  files: z.int(),
  createdAt: z.iso.datetime(),
});
export type ImageSummary = z.output<typeof ImageSummary>;

export const ImageDetail = ImageSummary.extend({
  tree: Digest,
  config: ImageConfig,
  platform: ImagePlatform.optional().describe('What it is made for, where that is known.'),
  origin: ImageOrigin.optional(),
  usedBy: z.array(z.string()).describe('Containers made from it, under whatever name.'),
});
export type ImageDetail = z.output<typeof ImageDetail>;

/** What mmdebstrap is asked for. */
export const ImageBuild = z.object({
  name: ImageName,
  suite: z
    .string()
    .regex(/^[a-z][a-z0-9.-]{0,30}$/)
    .default('trixie')
    .describe('Debian suite.'),
  packages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]{1,100}$/, 'Not a Debian package name'))
    .max(256)
    .default([])
    .describe('Packages to install, besides the minimum.'),
  mirror: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Debian mirror; this machine's own by default."),
  entrypoint: Argv.default([]).describe('Program that a container of this image runs.'),
  script: z.string().max(65_536).optional().describe('Shell script run inside the new root, as its last step.'),
});
export type ImageBuild = z.output<typeof ImageBuild>;

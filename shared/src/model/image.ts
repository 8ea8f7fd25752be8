import * as z from 'zod';
import { Argv, Env } from './container.ts';
import { Digest, ImageName } from './names.ts';

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
});
export type ImageConfig = z.output<typeof ImageConfig>;

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
  usedBy: z.array(z.string()).describe('Containers made from it.'),
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

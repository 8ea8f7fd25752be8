import * as z from 'zod';
import { ImageBuild, ImageDetail, ImageName, ImageOverrides, ImageStep, ImageSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Platform, Progress, PullReference } from '../shapes/image.ts';

const shown = ['name', 'digest', 'sizeBytes', 'files', 'createdAt'] as const;

export const imageMethods = {
  'image.build': stream({
    summary: 'Build a Debian image with mmdebstrap, straight into the store.',
    params: () => ImageBuild,
    event: () => Progress,
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'image.build',
    resource: 'name',
    cli: {
      command: 'image build',
      positional: ['name'],
      short: { p: 'packages' },
      columns: shown,
      examples: ['image build web -p nginx --entrypoint "nginx -g \'daemon off;\'"'],
    },
  }),

  'image.import': stream({
    summary: 'Make an image of an archive: a root file system, an OCI image layout, or what docker save writes.',
    params: () =>
      z.object({
        name: ImageName,
        format: z.enum(['auto', 'oci', 'docker', 'rootfs']).default('auto').describe('What the archive is.'),
        ref: z.string().max(512).optional().describe('Which image, where the archive holds several.'),
        platform: Platform.optional().describe(
          'Which one of an image for several machines; this machine unless given.',
        ),
        config: ImageOverrides.default({}).describe('What its containers run, and how; wins over what the image says.'),
      }),
    event: () => Progress,
    input: () =>
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('data'), data: z.base64() }),
        z.object({ kind: z.literal('eof') }),
      ]),
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'image.import',
    resource: 'name',
    cli: 'hand',
  }),

  'image.export': stream({
    summary: 'Write an image to an archive that every engine reads, or its bare files.',
    params: () =>
      z.object({
        name: ImageName,
        format: z
          .enum(['oci', 'rootfs'])
          .default('oci')
          .describe('oci: an OCI image layout, which docker load reads too; rootfs: the files alone.'),
        compress: z.enum(['none', 'gzip', 'zstd']).default('gzip').describe('How the files are packed.'),
      }),
    event: () => z.object({ data: z.base64() }),
    result: () => z.object({ sizeBytes: z.int() }),
    // Contents, which may be secret, are only for who may also change them.
    permission: 'image:write',
    audit: 'image.export',
    resource: 'name',
    cli: 'hand',
  }),

  'image.pull': stream({
    summary: 'Fetch an image from the nodes of the cluster, or from a registry.',
    params: () =>
      z.object({
        reference: PullReference.describe(
          'NAME[:TAG] of the cluster, or HOST/PATH[:TAG][@DIGEST] of a registry, such as docker.io/nginx.',
        ),
        name: ImageName.optional().describe(
          'What to call it here; from a registry, the last part of PATH and the tag.',
        ),
        platform: Platform.optional().describe(
          'Which one of an image for several machines; this machine unless given.',
        ),
      }),
    event: () => Progress,
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'image.pull',
    resource: 'reference',
    cli: {
      command: 'image pull',
      positional: ['reference'],
      columns: shown,
      examples: ['image pull web', 'image pull ghcr.io/org/app:1.2', 'image pull docker.io/nginx --name nginx:edge'],
    },
  }),

  'image.push': stream({
    summary: 'Send an image to a registry.',
    params: () =>
      z.object({
        name: ImageName,
        reference: PullReference.describe('HOST/PATH[:TAG] to send it to.'),
        compress: z.enum(['none', 'gzip', 'zstd']).default('gzip').describe('How the files are packed.'),
        mountFrom: z
          .string()
          .max(255)
          .regex(/^[a-z0-9._/-]+$/, 'Must look like org/app')
          .optional()
          .describe('Repository of the same registry that may have the files already.'),
      }),
    event: () => Progress,
    result: () => z.object({ reference: z.string(), digest: z.string() }),
    permission: 'image:write',
    audit: 'image.push',
    resource: 'reference',
    cli: {
      command: 'image push',
      positional: ['name', 'reference'],
      columns: ['reference', 'digest'],
      examples: ['image push web registry.example.org/shop/web:1.2'],
    },
  }),

  'image.list': method({
    summary: 'List the images in the store of this node.',
    params: () => z.object({}),
    result: () => z.array(ImageSummary),
    permission: 'image:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'image list', positional: [], columns: shown, examples: ['image list'] },
  }),

  'image.inspect': method({
    summary: 'Show all that is known of an image.',
    params: () => z.object({ name: ImageName }),
    result: () => ImageDetail,
    permission: 'image:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'image inspect', positional: ['name'], columns: [], examples: ['image inspect web'] },
  }),

  'image.history': method({
    summary: 'Show how an image was made, the last step first.',
    params: () => z.object({ name: ImageName }),
    result: () => z.array(ImageStep),
    permission: 'image:read',
    audit: 'none',
    resource: 'name',
    cli: {
      command: 'image history',
      positional: ['name'],
      columns: ['createdAt', 'hasFiles', 'createdBy'],
      wide: ['comment'],
      examples: ['image history web'],
    },
  }),

  'image.tag': method({
    summary: 'Give an image one more name. A name that is taken moves.',
    params: () => z.object({ source: ImageName, target: ImageName.describe('The other name, as NAME or NAME:TAG.') }),
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'image.tag',
    resource: 'target',
    cli: {
      command: 'image tag',
      positional: ['source', 'target'],
      columns: shown,
      examples: ['image tag web:1.2 web:stable'],
    },
  }),

  'image.untag': method({
    summary: 'Take a name away from an image. What runs from it goes on.',
    params: () => z.object({ name: ImageName }),
    result: () => z.object({ name: ImageName, removed: z.boolean() }),
    permission: 'image:write',
    audit: 'image.untag',
    resource: 'name',
    cli: {
      command: 'image untag',
      positional: ['name'],
      columns: ['name', 'removed'],
      examples: ['image untag web:1.2'],
    },
  }),

  'image.delete': method({
    summary: 'Delete an image that no container was made from, or one of several names of it.',
    params: () => z.object({ name: ImageName }),
    result: () => z.object({ name: ImageName, deleted: z.boolean() }),
    permission: 'image:write',
    audit: 'image.delete',
    resource: 'name',
    cli: {
      command: 'image delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['image delete web'],
    },
  }),

  'image.prune': method({
    summary: 'Delete all images that no container was made from and nobody pinned.',
    params: () => z.object({ dryRun: z.boolean().default(false).describe('Only tell what would be deleted.') }),
    result: () => z.array(ImageSummary),
    permission: 'image:write',
    audit: 'image.prune',
    resource: 'none',
    cli: 'hand',
  }),

  'image.verify': stream({
    summary: 'Check every file of an image against its hash.',
    params: () => z.object({ name: ImageName }),
    event: () => Progress,
    result: () => z.object({ name: ImageName, objects: z.int(), sizeBytes: z.int() }),
    permission: 'image:operate',
    audit: 'image.verify',
    resource: 'name',
    cli: {
      command: 'image verify',
      positional: ['name'],
      columns: ['name', 'objects', 'sizeBytes'],
      examples: ['image verify web'],
    },
  }),
};

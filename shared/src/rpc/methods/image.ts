import * as z from 'zod';
import { ImageBuild, ImageConfig, ImageDetail, ImageName, ImageSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Progress } from '../shapes/image.ts';

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
    summary: 'Make an image of a root file system in a tar archive (plain, gzip or zstd).',
    params: () =>
      z.object({
        name: ImageName,
        config: ImageConfig.prefault({}).describe('What its containers run, and how.'),
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

  'image.pull': stream({
    summary: 'Fetch an image from the nodes of the cluster that have it.',
    params: () => z.object({ name: ImageName }),
    event: () => Progress,
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'image.pull',
    resource: 'name',
    cli: { command: 'image pull', positional: ['name'], columns: shown, examples: ['image pull web'] },
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

  'image.delete': method({
    summary: 'Delete an image that no container uses.',
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
};

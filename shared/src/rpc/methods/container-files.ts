import * as z from 'zod';
import { ContainerName, ContainerStatus, ImageSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Name } from '../shapes/container.ts';
import { ArchiveInput, Commit, FileChange, FileLook, FirstName, KeepOwner, PathInside } from '../shapes/files.ts';
import { Progress } from '../shapes/image.ts';

/** Files of containers, images and containers made of them. Contents may be secret: none of it is for mere readers. */
export const containerFilesMethods = {
  'container.look': method({
    summary: 'What is at a path inside a container; null where nothing is.',
    params: () =>
      Name.extend({
        path: PathInside,
        follow: z.boolean().default(false).describe('Go after a link at its end.'),
      }),
    result: () => FileLook.nullable(),
    permission: 'container:operate',
    audit: 'container.look',
    resource: 'name',
    cli: 'hidden',
  }),

  'container.pack': stream({
    summary: 'Read a file or folder of a container as a tar archive.',
    params: () =>
      Name.extend({
        path: PathInside,
        as: FirstName,
        follow: z.boolean().default(false).describe('Go after a link at its end.'),
        keepOwner: KeepOwner,
      }),
    event: () => z.object({ data: z.base64() }),
    result: () => z.object({ sizeBytes: z.int() }),
    permission: 'container:operate',
    audit: 'container.pack',
    resource: 'name',
    cli: 'hidden',
  }),

  'container.unpack': stream({
    summary: 'Write what is in a tar archive into a folder of a container.',
    params: () => Name.extend({ path: PathInside, as: FirstName.optional(), keepOwner: KeepOwner }),
    event: () => Progress,
    input: () => ArchiveInput,
    result: () => z.object({ entries: z.int(), sizeBytes: z.int() }),
    permission: 'container:operate',
    audit: 'container.unpack',
    resource: 'name',
    cli: 'hidden',
  }),

  'container.diff': stream({
    summary: 'List what a container changed of its image: A was added, C changed, D deleted.',
    params: () => Name,
    event: () => z.object({ changes: z.array(FileChange) }),
    result: () => z.object({ count: z.int() }),
    permission: 'container:operate',
    audit: 'container.diff',
    resource: 'name',
    cli: 'hand',
  }),

  'container.export': stream({
    summary: 'Write all files of a container to a tar archive, with owners as they are inside.',
    params: () => Name,
    event: () => z.object({ data: z.base64() }),
    result: () => z.object({ sizeBytes: z.int() }),
    permission: 'container:operate',
    audit: 'container.export',
    resource: 'name',
    cli: 'hand',
  }),

  'container.commit': stream({
    summary: 'Make an image of the files of a container. What is in its volumes is not part of it.',
    params: () => Commit,
    event: () => Progress,
    result: () => ImageSummary,
    permission: 'image:write',
    audit: 'container.commit',
    resource: 'name',
    cli: {
      command: 'container commit',
      positional: ['name', 'image'],
      short: { a: 'author', m: 'message', c: 'change' },
      columns: ['name', 'digest', 'sizeBytes', 'files', 'createdAt'],
      examples: [
        'container commit web shop:2',
        `container commit web shop:2 -m "with the new pages" -c 'CMD ["nginx", "-g", "daemon off;"]'`,
      ],
    },
  }),

  'container.clone': method({
    summary: 'Make another container with the settings of one and a copy of its files, at an address of its own.',
    params: () =>
      Name.extend({
        to: ContainerName.describe('Name of the copy.'),
        start: z.boolean().default(false).describe('Start it.'),
      }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.clone',
    resource: 'name',
    cli: {
      command: 'container clone',
      positional: ['name', 'to'],
      columns: ['name', 'state', 'image', 'address'],
      examples: ['container clone web shop', 'container clone web shop --start'],
    },
  }),
};

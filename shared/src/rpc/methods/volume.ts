import * as z from 'zod';
import { VolumeDetail, VolumeName, VolumeSpec, VolumeSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Progress } from '../shapes/image.ts';

const shown = ['name', 'size', 'usedBy', 'createdAt'] as const;

const Name = z.object({ name: VolumeName });

export const volumeMethods = {
  'volume.create': method({
    summary: 'Make an empty volume. Containers also make those that they name and that are not there.',
    params: () => VolumeSpec,
    result: () => VolumeSummary,
    permission: 'volume:operate',
    audit: 'volume.create',
    resource: 'name',
    cli: {
      command: 'volume create',
      positional: ['name'],
      short: { l: 'labels' },
      columns: shown,
      examples: ['volume create data', 'volume create data --size 10G --label app=shop'],
    },
  }),

  'volume.list': method({
    summary: 'List the volumes of this node.',
    params: () => z.object({}),
    result: () => z.array(VolumeSummary),
    permission: 'volume:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'volume list',
      positional: [],
      columns: shown,
      wide: ['isAnonymous', 'labels'],
      examples: ['volume list', 'volume list -o json'],
    },
  }),

  'volume.inspect': method({
    summary: 'Show all that is known of a volume: who has it, where it is, what it takes.',
    params: () => Name,
    result: () => VolumeDetail,
    permission: 'volume:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'volume inspect', positional: ['name'], columns: [], examples: ['volume inspect data'] },
  }),

  'volume.delete': method({
    summary: 'Delete a volume that no container has, with its files. An absent one is fine.',
    params: () => Name,
    result: () => z.object({ name: VolumeName, deleted: z.boolean() }),
    permission: 'volume:operate',
    audit: 'volume.delete',
    resource: 'name',
    cli: {
      command: 'volume delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['volume delete data'],
    },
  }),

  'volume.prune': method({
    summary: 'Delete the volumes that no container has, with their files.',
    params: () => z.object({ dryRun: z.boolean().default(false).describe('Only tell which those are.') }),
    result: () => z.array(z.object({ name: VolumeName, sizeBytes: z.int().nullable(), createdAt: z.iso.datetime() })),
    permission: 'volume:operate',
    audit: 'volume.prune',
    resource: 'none',
    cli: 'hand',
  }),

  'volume.clone': stream({
    summary: 'Make a volume with the same files as another one. Blocks are shared where the file system can.',
    params: () => Name.extend({ to: VolumeName.describe('Name of the new one.') }),
    event: () => Progress,
    result: () => VolumeSummary,
    permission: 'volume:operate',
    audit: 'volume.clone',
    resource: 'name',
    cli: {
      command: 'volume clone',
      positional: ['name', 'to'],
      columns: shown,
      examples: ['volume clone data data-before-upgrade'],
    },
  }),

  'volume.export': stream({
    summary: 'Write the files of a volume to a tar archive, with the owners that they have inside.',
    params: () => Name,
    event: () => z.object({ data: z.base64() }),
    result: () => z.object({ sizeBytes: z.int() }),
    // Contents, which may be secret, are only for who may also change them.
    permission: 'volume:operate',
    audit: 'volume.export',
    resource: 'name',
    cli: 'hand',
  }),

  'volume.import': stream({
    summary: 'Make a volume of a tar archive: plain, gzip or zstd.',
    params: () => VolumeSpec,
    event: () => Progress,
    input: () =>
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('data'), data: z.base64() }),
        z.object({ kind: z.literal('eof') }),
      ]),
    result: () => VolumeSummary,
    permission: 'volume:operate',
    audit: 'volume.import',
    resource: 'name',
    cli: 'hand',
  }),
};

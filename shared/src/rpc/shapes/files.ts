import * as z from 'zod';
import { ContainerName, ImageName } from '../../model/index.ts';

const PATH_CHARS_MAX = 4096;

/** Files inside, as whoever asks spells them; the container's own root is where they begin. */
export const PathInside = z
  .string()
  .min(1)
  .max(PATH_CHARS_MAX)
  .regex(/^\/[^\0]*$/, 'Must begin with /')
  .describe('Path inside, from its root.');

/** One name of a file. */
export const FirstName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\0]+$/, 'Must be a name and no path')
  .refine((name) => name !== '..', 'Must be a name and no path')
  .describe('What the first entry of the archive is called.');

export const KeepOwner = z
  .boolean()
  .default(false)
  .describe('Keep owners, attributes, and the bits that give programs another user.');

export const FileLook = z.object({
  path: z.string().describe('Where it is, with the links at its end gone after.'),
  type: z.enum(['file', 'symlink', 'chardev', 'blockdev', 'dir', 'fifo']),
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
  sizeBytes: z.int(),
  target: z.string().optional().describe('Of a link.'),
});
export type FileLook = z.output<typeof FileLook>;

/** A was added, C changed, D deleted. */
export const FileChange = z.object({ change: z.enum(['A', 'C', 'D']), path: z.string() });
export type FileChange = z.output<typeof FileChange>;

export const ArchiveInput = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('data'), data: z.base64() }),
  z.object({ kind: z.literal('eof') }),
]);

const TEXT_CHARS_MAX = 1024;

export const Commit = z.object({
  name: ContainerName,
  image: ImageName.describe('What to call the image: NAME or NAME:TAG.'),
  author: z.string().max(TEXT_CHARS_MAX).optional().describe('Who made it.'),
  message: z.string().max(TEXT_CHARS_MAX).optional().describe('What was done.'),
  change: z
    .array(z.string().max(8192))
    .max(128)
    .meta({ wholeWords: true })
    .default([])
    .describe(
      'How it is run, in the words of a Dockerfile: CMD, ENTRYPOINT, ENV, WORKDIR, USER, EXPOSE, STOPSIGNAL, LABEL.',
    ),
  pause: z.boolean().default(true).describe('Hold the container still while its files are read.'),
});

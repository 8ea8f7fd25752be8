import * as z from 'zod';
import {
  CasCollected,
  CasDedup,
  CasRef,
  CasRepaired,
  CasStatus,
  CasUsage,
  CasVerified,
  ObjectDigest,
  ObjectName,
  TreeChange,
  TreeRow,
} from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Progress } from '../shapes/image.ts';

const object = () => ObjectName.describe('A name such as web or manifests/site, or a digest or its beginning.');
const pinned = () => z.object({ digest: ObjectDigest, pinned: z.boolean() });

/** Names and sizes may be seen by whoever may look; contents, which may be secret, only by who may change them. */
export const casMethods = {
  'cas.status': method({
    summary: 'Show how full and how sound the store of this node is.',
    params: () => z.object({}),
    result: () => CasStatus,
    permission: 'cas:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'cas status', positional: [], columns: [], examples: ['cas status'] },
  }),

  'cas.verify': stream({
    summary: 'Check every object against its name, and every name for what it needs.',
    params: () => z.object({}),
    event: () => Progress,
    result: () => CasVerified,
    permission: 'cas:operate',
    audit: 'cas.verify',
    resource: 'none',
    cli: 'hand',
  }),

  'cas.repair': stream({
    summary: 'Fetch what is damaged or missing from other nodes.',
    params: () =>
      z.object({
        digests: z
          .array(ObjectDigest)
          .max(1000)
          .default([])
          .describe('Only these objects; by default all are checked.'),
      }),
    event: () => Progress,
    result: () => CasRepaired,
    permission: 'cas:write',
    audit: 'cas.repair',
    resource: 'none',
    cli: 'hand',
  }),

  'cas.gc': stream({
    summary: 'Remove what no name, container or work needs.',
    params: () => z.object({ dryRun: z.boolean().default(false).describe('Only tell what would be removed.') }),
    event: () => Progress,
    result: () => CasCollected,
    permission: 'cas:write',
    audit: 'cas.gc',
    resource: 'none',
    cli: {
      command: 'cas gc',
      positional: [],
      columns: ['freedBytes', 'objects', 'lowers', 'leftovers', 'kept', 'held', 'dryRun'],
      examples: ['cas gc --dry-run', 'cas gc'],
    },
  }),

  'cas.build': stream({
    summary: 'Store a folder of this node, and give it a name.',
    params: () =>
      z.object({
        path: z.string().max(4095).regex(/^\//, 'Must be an absolute path').describe('A folder of the node.'),
        name: z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9._-]{0,63}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/,
            "Must look like 'site' or 'site:1'",
          )
          .optional()
          .describe("Its name; that of the folder by default. 'volt cas refs' lists it under manifests."),
      }),
    event: () => Progress,
    result: () => z.object({ name: z.string(), digest: ObjectDigest, files: z.int(), sizeBytes: z.int() }),
    permission: 'cas:admin',
    audit: 'cas.build',
    resource: 'path',
    cli: 'hand',
  }),

  'cas.get': stream({
    summary: 'Read the contents of an object.',
    params: () => z.object({ object: object() }),
    event: () => z.object({ data: z.base64() }),
    result: () => z.object({ digest: ObjectDigest, sizeBytes: z.int() }),
    permission: 'cas:write',
    audit: 'cas.get',
    resource: 'object',
    cli: 'hand',
  }),

  'cas.put': stream({
    summary: 'Store contents as an object.',
    params: () => z.object({ pin: z.boolean().default(false).describe('Keep it though no name reaches it.') }),
    event: () => Progress,
    input: () =>
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('data'), data: z.base64() }),
        z.object({ kind: z.literal('eof') }),
      ]),
    result: () => z.object({ digest: ObjectDigest, sizeBytes: z.int() }),
    permission: 'cas:write',
    audit: 'cas.put',
    resource: 'none',
    cli: 'hand',
  }),

  'cas.ls': stream({
    summary: 'List the files of an image or tree.',
    params: () =>
      z.object({
        object: object(),
        path: z.string().max(4096).default('/').describe('A folder or file in it.'),
        recursive: z.boolean().default(false).describe('Everything below, too.'),
      }),
    event: () => TreeRow,
    result: () => z.object({}),
    permission: 'cas:read',
    audit: 'none',
    resource: 'object',
    cli: 'hand',
  }),

  'cas.refs': method({
    summary: 'List every name in the store.',
    params: () => z.object({}),
    result: () => z.array(CasRef),
    permission: 'cas:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'cas refs', positional: [], columns: ['kind', 'name', 'digest', 'isHere'], examples: ['cas refs'] },
  }),

  'cas.pin': method({
    summary: 'Keep an object, and all it refers to, whatever happens to its names.',
    params: () => z.object({ object: object() }),
    result: pinned,
    permission: 'cas:write',
    audit: 'cas.pin',
    resource: 'object',
    cli: {
      command: 'cas pin',
      positional: ['object'],
      columns: ['digest', 'pinned'],
      examples: ['cas pin web:1.2'],
    },
  }),

  'cas.unpin': method({
    summary: 'Undo a pin.',
    params: () => z.object({ object: object() }),
    result: pinned,
    permission: 'cas:write',
    audit: 'cas.unpin',
    resource: 'object',
    cli: {
      command: 'cas unpin',
      positional: ['object'],
      columns: ['digest', 'pinned'],
      examples: ['cas unpin web:1.2'],
    },
  }),

  'cas.du': method({
    summary: 'Show how much names take, and how much of it they share.',
    params: () => z.object({ objects: z.array(ObjectName).max(1000).default([]).describe('Names; all by default.') }),
    result: () => z.array(CasUsage),
    permission: 'cas:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'cas du',
      positional: [],
      rest: 'objects',
      columns: ['ref', 'sizeBytes', 'storedBytes', 'ownBytes', 'sharedBytes', 'objects'],
      wide: ['diskBytes', 'isWhole'],
      examples: ['cas du', 'cas du web:1 web:2'],
    },
  }),

  'cas.dedup': method({
    summary: 'Show what sharing saves, for each name and in all.',
    params: () => z.object({}),
    result: () => CasDedup,
    permission: 'cas:read',
    audit: 'none',
    resource: 'none',
    cli: 'hand',
  }),

  'cas.diff': stream({
    summary: 'Show in what two images or trees differ.',
    params: () => z.object({ from: object(), to: object() }),
    event: () => TreeChange,
    result: () => z.object({}),
    permission: 'cas:read',
    audit: 'none',
    resource: 'from',
    cli: 'hand',
  }),
};

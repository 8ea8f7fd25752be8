import * as z from 'zod';
import { Digest } from './names.ts';

/** The name of an object: BLAKE3 or SHA-256 in 64 digits, SHA-512 in 128. */
export const ObjectDigest = z.string().regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/, 'A digest is 64 or 128 hex digits');

/** A name of any kind, or a digest, or the beginning of one. */
export const ObjectName = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[A-Za-z0-9._:/-]+$/, "Must look like 'web', 'web:1.2', 'manifests/site' or a digest");

/** Where the object of a name is shown to people: `images/web:latest`. */
const RefName = z.string();

export const CasDamage = z.object({
  digest: ObjectDigest,
  state: z.enum(['damaged', 'missing']),
  hurts: z
    .array(z.object({ ref: RefName, path: z.string().nullable().describe('Null where all of it is hurt.') }))
    .describe('Names that it is reached from, the first few.'),
});
export type CasDamage = z.output<typeof CasDamage>;

export const CasVerified = z.object({
  objects: z.int(),
  sizeBytes: z.int(),
  damaged: z.int(),
  missing: z.int(),
  damage: z.array(CasDamage).describe('The first of them.'),
  damagedRefs: z.array(z.string()).describe('Names that hold no digest.'),
});
export type CasVerified = z.output<typeof CasVerified>;

export const CasCollected = z.object({
  dryRun: z.boolean(),
  objects: z.int().describe('Removed, or to be removed.'),
  sizeBytes: z.int().describe('What those objects hold.'),
  freedBytes: z.int().describe('Of disk, with lowers and leftovers.'),
  lowers: z.int(),
  leftovers: z.int().describe('Of work that ended badly.'),
  kept: z.int(),
  held: z.int().describe('Kept only because work is under way.'),
});
export type CasCollected = z.output<typeof CasCollected>;

export const CasRepaired = z.object({
  checked: z.int(),
  healed: z.int(),
  lowerFiles: z.int().describe('Files of lowers that had the damage too.'),
  damage: z.array(CasDamage).describe('What could not be healed, the first of it.'),
  unhealed: z.int(),
  reason: z.string().nullable().describe('Why something could not be healed.'),
});
export type CasRepaired = z.output<typeof CasRepaired>;

export const CasStatus = z.object({
  objects: z.int(),
  sizeBytes: z.int().describe('What objects hold.'),
  diskBytes: z.int().describe('Disk that objects take.'),
  isExact: z.boolean().describe('No: counted in part and guessed from that; ask again for all of it.'),
  diskFreeBytes: z.int(),
  diskTotalBytes: z.int(),
  refs: z.int(),
  pins: z.int(),
  lowers: z.int().describe('Images that are laid out.'),
  lowerWay: z.string().describe('How they are: redirect, hardlink or copy.'),
  lowerReason: z.string().nullable().describe('Why that is not a better way.'),
  damaged: z.int().describe('Objects that the last verify found bad and that are still to be repaired.'),
  verifiedAt: z.iso.datetime().nullable(),
  collectedAt: z.iso.datetime().nullable(),
  collectedFreedBytes: z.int().nullable(),
});
export type CasStatus = z.output<typeof CasStatus>;

export const CasRef = z.object({
  kind: z.string(),
  name: z.string(),
  digest: ObjectDigest.nullable().describe('Null for a name that is damaged.'),
  isHere: z.boolean().describe('Whether its object is.'),
});
export type CasRef = z.output<typeof CasRef>;

export const CasUsage = z.object({
  ref: RefName,
  objects: z.int(),
  sizeBytes: z.int().describe('Laid out, every file counted.'),
  storedBytes: z.int().describe('Its objects, each counted once.'),
  ownBytes: z.int().describe('What no other name has.'),
  sharedBytes: z.int(),
  diskBytes: z.int(),
  isWhole: z.boolean(),
});
export type CasUsage = z.output<typeof CasUsage>;

export const CasDedup = z.object({
  refs: z.array(CasUsage.extend({ savedBytes: z.int().describe('Laid out, less what only it has.') })),
  sizeBytes: z.int().describe('All of them laid out.'),
  storedBytes: z.int(),
  savedBytes: z.int(),
  ratio: z.number().describe('How many times the stored bytes that is.'),
});
export type CasDedup = z.output<typeof CasDedup>;

export const TreeRow = z.object({
  path: z.string(),
  type: z.enum(['file', 'dir', 'symlink', 'hardlink', 'chardev', 'blockdev', 'fifo']),
  mode: z.string().describe('As ls writes it.'),
  uid: z.int(),
  gid: z.int(),
  sizeBytes: z.int().nullable(),
  modifiedAt: z.iso.datetime(),
  target: z.string().nullable(),
  digest: Digest.nullable(),
});
export type TreeRow = z.output<typeof TreeRow>;

export const TreeChange = z.object({
  change: z.enum(['added', 'removed', 'changed']),
  path: z.string(),
  what: z.array(z.enum(['type', 'content', 'mode', 'owner', 'time', 'attributes', 'links'])),
});
export type TreeChange = z.output<typeof TreeChange>;

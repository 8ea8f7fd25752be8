/** What is written down of a volume, in `volume.json` beside its files. */
import { VolumeSpec } from '@volt/shared/model';
import * as z from 'zod';

export const VolumeRecord = VolumeSpec.extend({
  createdAt: z.iso.datetime(),
  isAnonymous: z.boolean().default(false),
  /** What its files count for, where it has a size. */
  project: z.int().optional(),
});
export type VolumeRecord = z.output<typeof VolumeRecord>;

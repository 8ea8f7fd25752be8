/** Secrets and configs of a node, as they are told of. What is in a secret is told to nobody. */
import * as z from 'zod';
import { Labels } from './container.ts';
import { GivenName } from './environment.ts';

export const GIVEN_BYTES_MAX = 1024 * 1024;

/** What is kept beside the contents. */
export const GivenRecord = z.object({
  name: GivenName,
  labels: Labels,
  bytes: z.int().min(0).max(GIVEN_BYTES_MAX),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type GivenRecord = z.output<typeof GivenRecord>;

export const GivenSummary = GivenRecord.extend({
  usedBy: z.array(z.string()).describe('Containers that have it, also while they do not run.'),
});
export type GivenSummary = z.output<typeof GivenSummary>;

import * as z from 'zod';

export const Progress = z.object({ line: z.string(), done: z.int().optional(), total: z.int().optional() });

/** As OCI spells what an image is made for. */
export const Platform = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/, 'Must look like linux/arm64');

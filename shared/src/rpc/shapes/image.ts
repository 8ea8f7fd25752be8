import * as z from 'zod';

export const Progress = z.object({ line: z.string(), done: z.int().optional(), total: z.int().optional() });

/** With a port where it needs one. */
export const RegistryHost = z
  .string()
  .max(260)
  .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/, 'Must look like ghcr.io or registry.example.org:5000')
  .describe('Registry, such as ghcr.io.');

/** `web:1` is one of the cluster, `ghcr.io/org/web:1` one of a registry. */
export const PullReference = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[!-~]+$/, 'Not the name of an image');

/** As OCI spells what an image is made for. */
export const Platform = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/, 'Must look like linux/arm64');

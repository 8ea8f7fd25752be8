/** What registries.yaml may say. */
import * as z from 'zod';

const MIRRORS_MAX = 8;

export const RegistrySettings = z
  .strictObject({
    username: z.string().min(1).max(256).optional(),
    password: z.string().max(8192).optional(),
    /** In place of a password: what some registries hand out at a login of theirs. */
    identity: z.string().min(1).max(16_384).optional(),
    /** Plain HTTP: anybody on the way reads and changes what is sent, credentials included. */
    insecure: z.boolean().default(false),
    ca: z.string().startsWith('/').optional(),
    /** Asked first, in this order, when pulling. */
    mirrors: z
      .array(z.url({ protocol: /^https?$/ }))
      .max(MIRRORS_MAX)
      .default([]),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'username and password go together',
  });
export type RegistrySettings = z.output<typeof RegistrySettings>;

export const RegistryFile = z.strictObject({ registries: z.record(z.string(), RegistrySettings).default({}) });

/** What a token service answers. Both names are in use. */
export const TokenAnswer = z.object({
  token: z.string().max(65_536).optional(),
  access_token: z.string().max(65_536).optional(),
  expires_in: z.number().optional(),
});

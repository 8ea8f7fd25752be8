/** What secrets and configs have in common. */
import * as z from 'zod';
import { GivenName, Labels } from '../../model/index.ts';

/** What is in one is sent, not given as a param: it may be longer than a request may be. */
export const Contents = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('data'), data: z.base64().meta({ secret: true }) }),
  z.object({ kind: z.literal('eof') }),
]);

/** It takes no time worth telling of. */
export const NoEvents = z.object({});

export const SecretName = GivenName.describe('Name of the secret.');
export const ConfigName = GivenName.describe('Name of the config.');

export const GivenLabels = Labels.default({}).describe('Labels to find it by.');

export const Deleted = z.object({ name: z.string(), deleted: z.boolean() });

/** Columns. */
export const givenColumns = ['name', 'bytes', 'usedBy', 'updatedAt'] as const;

import * as z from 'zod';
import { method } from '../method.ts';
import { RegistryHost } from '../shapes/image.ts';

export const registryMethods = {
  'registry.login': method({
    summary: 'Keep credentials for a registry, once it has taken them.',
    params: () =>
      z.object({
        host: RegistryHost,
        username: z.string().min(1).max(256).describe('Name to log in with.'),
        password: z.string().min(1).max(8192).describe('Its password, or a token.').meta({ secret: true }),
      }),
    result: () => z.object({ host: z.string(), username: z.string() }),
    permission: 'image:write',
    audit: 'registry.login',
    resource: 'host',
    cli: 'hand',
  }),

  'registry.logout': method({
    summary: 'Forget the credentials for a registry.',
    params: () => z.object({ host: RegistryHost }),
    result: () => z.object({ host: z.string(), forgotten: z.boolean() }),
    permission: 'image:write',
    audit: 'registry.logout',
    resource: 'host',
    cli: {
      command: 'registry logout',
      positional: ['host'],
      columns: ['host', 'forgotten'],
      examples: ['registry logout ghcr.io'],
    },
  }),

  'registry.list': method({
    summary: 'List the registries that this node knows something of. Secrets are not shown.',
    params: () => z.object({}),
    result: () =>
      z.array(
        z.object({
          host: z.string(),
          username: z.string().nullable(),
          hasIdentity: z.boolean().describe('Whether an identity token stands in for a password.'),
          insecure: z.boolean().describe('Whether it is reached over plain HTTP.'),
          ca: z.string().nullable().describe('File with the CA of its certificate.'),
          mirrors: z.array(z.string()).describe('Asked first.'),
        }),
      ),
    permission: 'image:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'registry list',
      positional: [],
      columns: ['host', 'username', 'insecure', 'ca', 'mirrors'],
      examples: ['registry list'],
    },
  }),
};

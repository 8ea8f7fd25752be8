import * as z from 'zod';
import { NatsUser } from '../../model/index.ts';
import { method } from '../method.ts';

/** What an agent does about what its own node shows at doors. */
export const certificateAgentMethods = {
  'certificate.renew': method({
    summary: "Renew this node's certificates and NATS credentials at once, which it does by itself in time.",
    params: () => z.object({}),
    result: () =>
      z.object({
        node: z.string(),
        until: z.iso.datetime().describe('Until when the certificate is good.'),
        credentialsUntil: z.iso.datetime().describe('Until when NATS lets it in.'),
      }),
    permission: 'cluster:admin',
    audit: 'certificate.renew',
    resource: 'none',
    cli: {
      command: 'cluster renew',
      positional: [],
      columns: ['node', 'until', 'credentialsUntil'],
      examples: ['cluster renew', 'cluster renew --node node2'],
    },
  }),
};

/** What controllers sign. */
export const certificateControllerMethods = {
  'certificate.sign': method({
    summary: 'Sign another certificate for the key of the one that the caller shows. Nothing else in it changes.',
    params: () =>
      z.object({
        publicKey: z.string().max(1024).describe('In PEM. That its owner asks is shown by the connection.'),
        userKey: NatsUser.optional().describe("A node's public NATS key, for credentials as well."),
      }),
    result: () =>
      z.object({
        certificate: z.string().describe('In PEM, without those above it.'),
        jwt: z.string().nullable().meta({ secret: true }).describe("For a node's NATS credentials."),
      }),
    // Whoever is known may have what they have for longer; the handler sees that it is theirs.
    permission: 'cluster:read',
    audit: 'certificate.sign',
    resource: 'none',
    cli: 'hidden',
  }),
};

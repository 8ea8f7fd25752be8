import * as z from 'zod';
import { Ipv4, NodeName } from './names.ts';

/** What a node is for. Every node is an agent; some are controllers as well. */
export const NodeRoles = z
  .array(z.enum(['agent', 'controller']))
  .min(1)
  .max(2);
export type NodeRoles = z.output<typeof NodeRoles>;

export const NatsUser = z.string().regex(/^U[A-Z2-7]{55}$/);

/** A node that was taken in. Written by the controller that signed its certificate. */
export const Member = z.object({
  node: NodeName,
  address: Ipv4.describe('Where the other nodes reach it.'),
  subnet: z.cidrv4().describe('The containers it may address.'),
  roles: NodeRoles,
  key: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of its public key: who may come back under its name.'),
  server: z
    .string()
    .regex(/^[a-z0-9-]+(?:\.[0-9a-f]+)?$/)
    .optional()
    .describe("Name of a controller's NATS server, another one for each attempt to join; its own name by default."),
  route: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe("SHA-256 of the public key that a controller's NATS server shows to the others."),
  user: NatsUser.optional().describe('The public key that it enters NATS with.'),
  joinedAt: z.iso.datetime(),
});
export type Member = z.output<typeof Member>;

/** That a key opens no door any more, kept under the key: SHA-256 of a node's, or a NATS user's in lower case. */
export const Revocation = z.object({
  node: NodeName.describe('Whose it was.'),
  until: z.iso.datetime().describe('No certificate for it is good for longer.'),
});
export type Revocation = z.output<typeof Revocation>;

/** That a subnet is given away. Its own key, because a key is what can be taken by one node only. */
export const SubnetClaim = z.object({ node: NodeName });
export type SubnetClaim = z.output<typeof SubnetClaim>;

/** A join token as the cluster keeps it: nothing in it opens a door. */
export const TokenRecord = z.object({
  secretHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of the secret.'),
  mayBeController: z.boolean().describe('A controller holds the keys of the whole cluster.'),
  expiresAt: z.iso.datetime(),
});
export type TokenRecord = z.output<typeof TokenRecord>;

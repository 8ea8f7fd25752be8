/** Named contexts: whom `volt` talks to, and with which certificate. */
import * as z from 'zod';

export const ContextName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62})$/i, "A context name is 1 to 63 of letters, digits, '.', '_' and '-'");

/** Keys stay in their own files: this one is copied around more readily than they should be. */
export const Context = z.strictObject({
  kind: z.enum(['agent', 'controller']).describe('What listens there.'),
  host: z.string().max(512).describe('https://ADDRESS:PORT, or the path of a socket.'),
  ca: z.string().max(4096).optional().describe('File of the CA certificate.'),
  cert: z.string().max(4096).optional().describe('File of our certificate.'),
  key: z.string().max(4096).optional().describe('File of its key.'),
  serverName: z.string().max(253).optional().describe('Name in the certificate of the other side.'),
});
export type Context = z.output<typeof Context>;

export const ContextsFile = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(ContextName, Context).default({}),
});
export type ContextsFile = z.output<typeof ContextsFile>;

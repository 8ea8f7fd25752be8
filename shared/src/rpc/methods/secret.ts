import * as z from 'zod';
import { GivenSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Contents, Deleted, givenColumns, GivenLabels, NoEvents, SecretName } from '../shapes/given.ts';

/** Nothing here gives back what is in a secret: only containers get it. */
export const secretMethods = {
  'secret.create': stream({
    summary: 'Keep a secret on this node, encrypted, for containers to have as a file.',
    params: () => z.object({ name: SecretName, labels: GivenLabels }),
    event: () => NoEvents,
    input: () => Contents,
    result: () => GivenSummary,
    permission: 'secret:write',
    audit: 'secret.create',
    resource: 'name',
    cli: 'hand',
  }),

  'secret.update': stream({
    summary: 'Put other contents into a secret. Containers that run have them after their next start.',
    params: () => z.object({ name: SecretName }),
    event: () => NoEvents,
    input: () => Contents,
    result: () => GivenSummary,
    permission: 'secret:write',
    audit: 'secret.update',
    resource: 'name',
    cli: 'hand',
  }),

  'secret.list': method({
    summary: 'List the secrets of this node, without what is in them.',
    params: () => z.object({}),
    result: () => z.array(GivenSummary),
    permission: 'secret:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'secret list', positional: [], columns: givenColumns, examples: ['secret list'] },
  }),

  'secret.inspect': method({
    summary: 'Show what is known of a secret, but not what is in it.',
    params: () => z.object({ name: SecretName }),
    result: () => GivenSummary,
    permission: 'secret:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'secret inspect', positional: ['name'], columns: [], examples: ['secret inspect db-password'] },
  }),

  'secret.delete': method({
    summary: 'Delete a secret that no container has. An absent one is fine.',
    params: () => z.object({ name: SecretName }),
    result: () => Deleted,
    permission: 'secret:write',
    audit: 'secret.delete',
    resource: 'name',
    cli: {
      command: 'secret delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['secret delete db-password'],
    },
  }),
};

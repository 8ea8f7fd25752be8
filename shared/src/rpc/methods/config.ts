import * as z from 'zod';
import { GivenSummary } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { ConfigName, Contents, Deleted, givenColumns, GivenLabels, NoEvents } from '../shapes/given.ts';

export const configMethods = {
  'config.create': stream({
    summary: 'Keep a config on this node, for containers to have as a file.',
    params: () => z.object({ name: ConfigName, labels: GivenLabels }),
    event: () => NoEvents,
    input: () => Contents,
    result: () => GivenSummary,
    permission: 'config:write',
    audit: 'config.create',
    resource: 'name',
    cli: 'hand',
  }),

  'config.update': stream({
    summary: 'Put other contents into a config. Containers that run have them after their next start.',
    params: () => z.object({ name: ConfigName }),
    event: () => NoEvents,
    input: () => Contents,
    result: () => GivenSummary,
    permission: 'config:write',
    audit: 'config.update',
    resource: 'name',
    cli: 'hand',
  }),

  'config.list': method({
    summary: 'List the configs of this node.',
    params: () => z.object({}),
    result: () => z.array(GivenSummary),
    permission: 'config:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'config list', positional: [], columns: givenColumns, examples: ['config list'] },
  }),

  'config.inspect': method({
    summary: 'Show a config, and what is in it.',
    params: () => z.object({ name: ConfigName }),
    result: () =>
      GivenSummary.extend({
        text: z.string().nullable().describe('Null where it is no text, and for callers who may only look.'),
      }),
    permission: 'config:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'config inspect', positional: ['name'], columns: [], examples: ['config inspect nginx'] },
  }),

  'config.delete': method({
    summary: 'Delete a config that no container has. An absent one is fine.',
    params: () => z.object({ name: ConfigName }),
    result: () => Deleted,
    permission: 'config:write',
    audit: 'config.delete',
    resource: 'name',
    cli: {
      command: 'config delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['config delete nginx'],
    },
  }),
};

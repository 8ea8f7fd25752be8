import * as z from 'zod';
import { method, stream } from '../method.ts';
import { SystemInfo, VoltEvent } from '../shapes/system.ts';

export const systemMethods = {
  'system.info': method({
    summary: 'Show what answers here: program, version, node and cluster.',
    params: () => z.object({}),
    result: () => SystemInfo,
    permission: 'system:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'system info',
      positional: [],
      columns: ['node', 'program', 'version', 'cluster', 'systemd', 'kernel'],
      examples: ['system info'],
    },
  }),

  'event.watch': stream({
    summary: 'Watch what happens, as it happens.',
    params: () => z.object({}),
    event: () => VoltEvent,
    result: () => z.object({}),
    permission: 'event:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'events', positional: [], columns: ['at', 'kind', 'name', 'detail'], examples: ['events'] },
  }),
};

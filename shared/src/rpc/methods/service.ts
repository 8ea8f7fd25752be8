import * as z from 'zod';
import { method } from '../method.ts';
import { ServiceStatus } from '../shapes/service.ts';

export const serviceMethods = {
  'service.list': method({
    summary: 'List the systemd services of this node.',
    params: () => z.object({ all: z.boolean().default(false).describe('Those that are stopped as well.') }),
    result: () => z.array(ServiceStatus),
    permission: 'service:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'service list',
      positional: [],
      short: { a: 'all' },
      columns: ['name', 'state', 'detail', 'description'],
      examples: ['service list', 'service list --all'],
    },
  }),
};

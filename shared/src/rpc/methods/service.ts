import * as z from 'zod';
import { method } from '../method.ts';

export const ServiceStatus = z.object({
  name: z.string(),
  state: z.string(),
  detail: z.string(),
  description: z.string(),
});
export type ServiceStatus = z.output<typeof ServiceStatus>;

export const serviceMethods = {
  'service.list': method({
    summary: 'List the systemd services of this node.',
    params: z.object({ all: z.boolean().default(false).describe('Those that are stopped as well.') }),
    result: z.array(ServiceStatus),
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

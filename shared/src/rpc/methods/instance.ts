import * as z from 'zod';
import { method } from '../method.ts';
import { Filters } from '../shapes/filter.ts';
import { InstanceRow } from '../shapes/instance.ts';

/** Offered by agents (what runs here) and by controllers (what runs anywhere): `volt ps` asks whoever it talks to. */
export const instanceMethods = {
  'instance.list': method({
    summary: 'List what is there, stopped ones as well: on a node, or in the whole cluster.',
    params: () => z.object({ filters: Filters }),
    result: () => z.array(InstanceRow),
    permission: 'instance:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'instance list',
      alias: 'ps',
      positional: [],
      short: { f: 'filters' },
      columns: ['name', 'node', 'state', 'address', 'image'],
      wide: ['health', 'checkedAt', 'workload', 'startedAt', 'reason'],
      examples: ['ps', 'ps -o wide', 'ps --node node2', 'ps --filter label=team=web', 'ps --context cluster'],
    },
  }),
};

import * as z from 'zod';
import { InstanceStatus } from '../../model/index.ts';
import { method } from '../method.ts';

export const InstanceRow = InstanceStatus.pick({
  node: true,
  state: true,
  address: true,
  image: true,
  reason: true,
  startedAt: true,
}).extend({ name: z.string(), workload: z.string().nullable() });
export type InstanceRow = z.output<typeof InstanceRow>;

/** Offered by agents (what runs here) and by controllers (what runs anywhere): `volt ps` asks whoever it talks to. */
export const instanceMethods = {
  'instance.list': method({
    summary: 'List what runs: on a node, or in the whole cluster.',
    params: z.object({}),
    result: z.array(InstanceRow),
    permission: 'instance:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'instance list',
      alias: 'ps',
      positional: [],
      columns: ['name', 'node', 'state', 'address', 'image'],
      wide: ['workload', 'startedAt', 'reason'],
      examples: ['ps', 'ps -o wide', 'ps --node node2', 'ps --context cluster'],
    },
  }),
};

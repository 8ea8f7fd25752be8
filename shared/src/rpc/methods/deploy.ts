import * as z from 'zod';
import { REPLICAS_MAX, WorkloadName, WorkloadSpec } from '../../model/index.ts';
import { method } from '../method.ts';
import { WorkloadRow } from '../shapes/deploy.ts';

const shown = ['name', 'image', 'replicas', 'running', 'state', 'reason'] as const;

export const deployMethods = {
  'deploy.apply': method({
    summary: 'Make the cluster run what a file says.',
    params: () =>
      z.object({ workloads: z.array(WorkloadSpec).min(1).max(100).describe('What is to run; others stay.') }),
    result: () => z.array(WorkloadRow),
    permission: 'deploy:operate',
    audit: 'deploy.apply',
    resource: 'none',
    cli: 'hand',
  }),

  'deploy.list': method({
    summary: 'List the workloads of the cluster.',
    params: () => z.object({}),
    result: () => z.array(WorkloadRow),
    permission: 'deploy:read',
    audit: 'none',
    resource: 'none',
    cli: { command: 'deploy list', positional: [], columns: shown, wide: ['generation'], examples: ['deploy list'] },
  }),

  'deploy.scale': method({
    summary: 'Change how many copies of a workload run.',
    params: () =>
      z.object({ name: WorkloadName, replicas: z.int().min(0).max(REPLICAS_MAX).describe('Copies to run.') }),
    result: () => WorkloadRow,
    permission: 'deploy:operate',
    audit: 'deploy.scale',
    resource: 'name',
    cli: {
      command: 'deploy scale',
      positional: ['name', 'replicas'],
      columns: shown,
      examples: ['deploy scale web 5'],
    },
  }),

  'deploy.delete': method({
    summary: 'Stop a workload everywhere and forget it. An absent one is fine.',
    params: () => z.object({ name: WorkloadName }),
    result: () => z.object({ name: WorkloadName, deleted: z.boolean() }),
    permission: 'deploy:operate',
    audit: 'deploy.delete',
    resource: 'name',
    cli: {
      command: 'deploy delete',
      positional: ['name'],
      columns: ['name', 'deleted'],
      examples: ['deploy delete web'],
    },
  }),
};

import * as z from 'zod';
import { Argv, ContainerName, ContainerSpec, ContainerStatus, Env } from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { ContainerDetail, ExecInput, ExecOutput, Grace, LogLine, Name } from '../shapes/container.ts';

const shown = ['name', 'state', 'image', 'address'] as const;

export const containerMethods = {
  'container.create': method({
    summary: 'Define a container from an image, without starting it.',
    params: () => ContainerSpec,
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.create',
    resource: 'name',
    cli: {
      command: 'container create',
      positional: ['name', 'image'],
      rest: 'command',
      short: { e: 'env', l: 'labels' },
      columns: shown,
      examples: ['container create web nginx', 'container create job debian:trixie -- /bin/sleep 60'],
    },
  }),

  'container.run': method({
    summary: 'Create a container and start it.',
    params: () => ContainerSpec,
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.run',
    resource: 'name',
    cli: {
      command: 'container run',
      alias: 'run',
      positional: ['name', 'image'],
      rest: 'command',
      short: { e: 'env', l: 'labels' },
      columns: shown,
      examples: ['run web nginx', 'run web nginx -e COLOR=blue --restart always'],
    },
  }),

  'container.start': method({
    summary: 'Start a container. One that runs is left alone.',
    params: () => Name,
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.start',
    resource: 'name',
    cli: { command: 'container start', positional: ['name'], columns: shown, examples: ['container start web'] },
  }),

  'container.stop': method({
    summary: 'Stop a container and keep its files.',
    params: () => Name.extend({ grace: Grace }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.stop',
    resource: 'name',
    cli: {
      command: 'container stop',
      positional: ['name'],
      short: { t: 'grace' },
      columns: shown,
      examples: ['container stop web', 'container stop web --grace 60'],
    },
  }),

  'container.restart': method({
    summary: 'Stop a container and start it again.',
    params: () => Name.extend({ grace: Grace }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.restart',
    resource: 'name',
    cli: {
      command: 'container restart',
      positional: ['name'],
      short: { t: 'grace' },
      columns: shown,
      examples: ['container restart web'],
    },
  }),

  'container.delete': method({
    summary: 'Delete a container and its files. An absent one is fine.',
    params: () => Name.extend({ force: z.boolean().default(false).describe('Stop it first if it runs.') }),
    result: () => z.object({ name: ContainerName, deleted: z.boolean() }),
    permission: 'container:operate',
    audit: 'container.delete',
    resource: 'name',
    cli: {
      command: 'container delete',
      positional: ['name'],
      short: { f: 'force' },
      columns: ['name', 'deleted'],
      examples: ['container delete web', 'container delete web --force'],
    },
  }),

  'container.list': method({
    summary: 'List the containers of this node.',
    params: () => z.object({}),
    result: () => z.array(ContainerStatus),
    permission: 'container:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'container list',
      positional: [],
      columns: shown,
      wide: ['pid', 'exitCode', 'startedAt', 'reason'],
      examples: ['container list', 'container list -o json'],
    },
  }),

  'container.inspect': method({
    summary: 'Show all that is known of a container.',
    params: () => Name,
    result: () => ContainerDetail,
    permission: 'container:read',
    audit: 'none',
    resource: 'name',
    cli: { command: 'container inspect', positional: ['name'], columns: [], examples: ['container inspect web'] },
  }),

  'container.logs': stream({
    summary: 'Read what a container printed, from the journal.',
    params: () =>
      Name.extend({
        follow: z.boolean().default(false).describe('Keep reading as it prints.'),
        tail: z.int().min(0).max(100_000).default(1000).describe('How many of the last lines to begin with.'),
      }),
    event: () => LogLine,
    result: () => z.object({}),
    permission: 'container:read',
    audit: 'none',
    resource: 'name',
    cli: 'hand',
  }),

  'container.exec': stream({
    summary: 'Run a program inside a running container.',
    params: () =>
      Name.extend({
        command: Argv.min(1).describe('Program and arguments.'),
        env: Env.default({}).describe('Environment variables, besides those of the container.'),
        tty: z.boolean().default(false).describe('Give the program a terminal.'),
        stdin: z.boolean().default(false).describe('Pass on what the caller sends.'),
        columns: z.int().min(1).max(1000).default(80).describe('Width of its terminal, in characters.'),
        rows: z.int().min(1).max(1000).default(24).describe('Height of its terminal, in lines.'),
      }),
    event: () => ExecOutput,
    input: () => ExecInput,
    result: () => z.object({ exitCode: z.int() }),
    permission: 'container:operate',
    audit: 'container.exec',
    resource: 'name',
    cli: 'hand',
  }),
};

import * as z from 'zod';
import {
  Argv,
  ContainerName,
  ContainerProcess,
  ContainerSpec,
  ContainerStatus,
  ContainerUsage,
  Env,
  ContainerChange,
  SignalName,
} from '../../model/index.ts';
import { method, stream } from '../method.ts';
import { Filters } from '../shapes/filter.ts';
import {
  ContainerDetail,
  ExecInput,
  ExecOutput,
  ExecUser,
  Grace,
  LogLine,
  LogWindow,
  Name,
  PassStdin,
  Wait,
  WindowSize,
} from '../shapes/container.ts';

/** Of one question. */
const NAMES_MAX = 1024;

const shown = ['name', 'state', 'image', 'address'] as const;

export const containerMethods = {
  'container.create': method({
    summary: 'Define a container from an image, without starting it.',
    // What is deleted when it has ended is made to be run at once.
    params: () => ContainerSpec.omit({ rm: true }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.create',
    resource: 'name',
    cli: {
      command: 'container create',
      positional: ['name', 'image'],
      rest: 'command',
      short: { e: 'env', l: 'labels', v: 'volumes', i: 'interactive', t: 'tty', u: 'user', w: 'workdir' },
      columns: shown,
      examples: ['container create web nginx', 'container create job debian:trixie -- /bin/sleep 60'],
    },
  }),

  'container.run': method({
    summary: 'Create a container and start it.',
    params: () => ContainerSpec.extend(Wait),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.run',
    resource: 'name',
    cli: {
      command: 'container run',
      alias: 'run',
      positional: ['name', 'image'],
      rest: 'command',
      short: { e: 'env', l: 'labels', v: 'volumes', i: 'interactive', t: 'tty', u: 'user', w: 'workdir' },
      columns: shown,
      examples: [
        'run web nginx',
        'run web nginx -e COLOR=blue --restart always',
        'run job debian:trixie --rm -- /bin/true',
        'run db postgres --memory 1G --cpu 200 --pids 512',
        'run web nginx --health-http 80/ --health-interval 10s --wait',
      ],
    },
  }),

  'container.start': method({
    summary: 'Start a container. One that runs is left alone.',
    params: () => Name.extend(Wait),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.start',
    resource: 'name',
    cli: {
      command: 'container start',
      positional: ['name'],
      columns: shown,
      examples: ['container start web', 'container start web --wait'],
    },
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

  'container.rename': method({
    summary: 'Give a stopped container another name. Its address stays; what it printed before keeps the old name.',
    params: () => Name.extend({ to: ContainerName.describe('The other name.') }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.rename',
    resource: 'name',
    cli: {
      command: 'container rename',
      positional: ['name', 'to'],
      columns: shown,
      examples: ['container rename web shop'],
    },
  }),

  'container.update': method({
    summary: 'Change the limits, labels and restart policy of a container, at once also when it runs.',
    params: () => Name.extend(ContainerChange.shape),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.update',
    resource: 'name',
    cli: {
      command: 'container update',
      positional: ['name'],
      columns: shown,
      short: { l: 'labels' },
      examples: [
        'container update web --memory 1G --cpu 200',
        'container update web --memory max',
        'container update web --restart always --label team=shop',
      ],
    },
  }),

  'container.kill': method({
    summary: 'Send a signal to the program of a container. KILL ends it, and it stays so.',
    params: () => Name.extend({ signal: SignalName.default('SIGKILL').describe('Which signal.') }),
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.kill',
    resource: 'name',
    cli: {
      command: 'container kill',
      positional: ['name'],
      short: { s: 'signal' },
      columns: shown,
      examples: ['container kill web', 'container kill web --signal SIGHUP'],
    },
  }),

  'container.pause': method({
    summary: 'Hold all processes of a container still.',
    params: () => Name,
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.pause',
    resource: 'name',
    cli: { command: 'container pause', positional: ['name'], columns: shown, examples: ['container pause web'] },
  }),

  'container.resume': method({
    summary: 'Let a paused container go on.',
    params: () => Name,
    result: () => ContainerStatus,
    permission: 'container:operate',
    audit: 'container.resume',
    resource: 'name',
    cli: { command: 'container resume', positional: ['name'], columns: shown, examples: ['container resume web'] },
  }),

  'container.wait': stream({
    summary: 'Wait until a container has ended, and end with its exit code; or until it is healthy.',
    params: () =>
      Name.extend({
        condition: z.enum(['ended', 'healthy']).default('ended').describe('What to wait for.'),
      }),
    event: () => z.object({}),
    result: () => z.object({ exitCode: z.int() }),
    permission: 'container:read',
    audit: 'none',
    resource: 'name',
    cli: 'hand',
  }),

  'container.top': method({
    summary: 'List the processes of a container, as they are numbered inside.',
    params: () => Name,
    result: () => z.array(ContainerProcess),
    permission: 'container:read',
    audit: 'none',
    resource: 'name',
    cli: {
      command: 'container top',
      positional: ['name'],
      columns: ['pid', 'user', 'state', 'cpuMillis', 'memoryBytes', 'command'],
      wide: ['parent'],
      examples: ['container top web'],
    },
  }),

  'container.stats': method({
    summary: 'What running containers use: counters, of which two give a speed.',
    params: () => z.object({ names: z.array(ContainerName).max(NAMES_MAX).default([]).describe('All when none.') }),
    result: () => z.array(ContainerUsage),
    permission: 'container:read',
    audit: 'none',
    resource: 'none',
    cli: 'hand',
  }),

  'container.prune': method({
    summary: 'Delete the containers that have ended, with their files.',
    params: () => z.object({ dryRun: z.boolean().default(false).describe('Only tell which those are.') }),
    result: () => z.array(ContainerStatus),
    permission: 'container:operate',
    audit: 'container.prune',
    resource: 'none',
    cli: 'hand',
  }),

  'container.list': method({
    summary: 'List the containers of this node.',
    params: () => z.object({ filters: Filters }),
    result: () => z.array(ContainerStatus),
    permission: 'container:read',
    audit: 'none',
    resource: 'none',
    cli: {
      command: 'container list',
      positional: [],
      short: { f: 'filters' },
      columns: shown,
      wide: ['health', 'checkedAt', 'pid', 'exitCode', 'restarts', 'startedAt', 'reason'],
      examples: ['container list', 'container list -o json', 'container list --filter label=team=web'],
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
      Name.extend(LogWindow.shape).refine(({ follow, until }) => !follow || until === undefined, {
        error: 'what is followed has no end: leave out one of follow and until',
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
        user: ExecUser.optional().describe('As whom: a name of the image or a number, and a group after a colon.'),
        stdin: PassStdin,
        ...WindowSize,
      }),
    event: () => ExecOutput,
    input: () => ExecInput,
    result: () => z.object({ exitCode: z.int() }),
    permission: 'container:operate',
    audit: 'container.exec',
    resource: 'name',
    cli: 'hand',
  }),

  'container.attach': stream({
    summary: 'Look at what the program of a running container prints, and type to it. Leaving does not end it.',
    params: () => Name.extend({ stdin: PassStdin, ...WindowSize }),
    event: () => ExecOutput,
    input: () => ExecInput,
    result: () => z.object({ exitCode: z.int() }),
    permission: 'container:operate',
    audit: 'container.attach',
    resource: 'name',
    cli: 'hand',
  }),

  'container.runAttached': stream({
    summary: 'Create a container, and attach to it before its program begins.',
    params: () => ContainerSpec.extend({ stdin: PassStdin, ...WindowSize }),
    event: () => ExecOutput,
    input: () => ExecInput,
    result: () => z.object({ exitCode: z.int() }),
    permission: 'container:operate',
    audit: 'container.run',
    resource: 'name',
    cli: 'hidden',
  }),
};

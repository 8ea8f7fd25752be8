import * as z from 'zod';

const PATHS_MAX = 128;
const PORTS_MAX = 128;

const GuestPath = z
  .string()
  .max(4095)
  // oxlint-disable-next-line no-control-regex
  .regex(/^\/[^\0]*$/, { error: 'must be a path that begins with /' });

const Paths = z.array(GuestPath).max(PATHS_MAX).optional();

const Ports = z
  .array(z.coerce.number({ error: 'must be a port' }).pipe(z.int().min(0).max(65_535)))
  .max(PORTS_MAX)
  .optional();

/** Of Linux, as people write them: with or without CAP_, in either case. */
const Capability = z
  .string()
  .transform((name) => name.toLowerCase().replace(/^cap_/, ''))
  .pipe(
    z.enum([
      'all',
      'chown',
      'dac_override',
      'dac_read_search',
      'fowner',
      'fsetid',
      'kill',
      'setgid',
      'setuid',
      'setpcap',
      'linux_immutable',
      'net_bind_service',
      'net_broadcast',
      'net_admin',
      'net_raw',
      'ipc_lock',
      'ipc_owner',
      'sys_module',
      'sys_rawio',
      'sys_chroot',
      'sys_ptrace',
      'sys_pacct',
      'sys_admin',
      'sys_boot',
      'sys_nice',
      'sys_resource',
      'sys_time',
      'sys_tty_config',
      'mknod',
      'lease',
      'audit_write',
      'audit_control',
      'setfcap',
      'mac_override',
      'mac_admin',
      'syslog',
      'wake_alarm',
      'block_suspend',
      'audit_read',
      'perfmon',
      'bpf',
      'checkpoint_restore',
    ]),
  );

/** What keeps a container apart, each by itself. */
export const Protection = z.enum([
  'landlock',
  'seccomp',
  'capabilities',
  'no-new-privileges',
  'user-namespace',
  'masked-paths',
  'devices',
  'all',
]);
export type Protection = z.infer<typeof Protection>;

/**
 * How far a container is kept apart from its machine. Nothing here need be
 * said: what is not said is as safe as images of the world can live with.
 */
export const Isolation = z.object({
  fsRead: Paths.describe('Paths below which its programs may read; anywhere unless given.'),
  fsWrite: Paths.describe('Paths below which its programs may write; anywhere unless given.'),
  fsExecute: Paths.describe('Paths below which programs may be run; anywhere unless given.'),
  netBind: Ports.describe('TCP ports that its programs may listen on; any unless given, none when given empty.'),
  netConnect: Ports.describe('TCP ports that its programs may connect to; any unless given, none when given empty.'),
  capAdd: z.array(Capability).max(64).optional().describe('Capabilities it has besides the usual ones.'),
  capDrop: z.array(Capability).max(64).optional().describe('Usual capabilities that it does without, or all.'),
  readOnly: z.boolean().optional().describe('Its root file system cannot be written to.'),
  requireIsolation: z.boolean().optional().describe('Refuse where this machine cannot enforce all that is asked for.'),
});
export type Isolation = z.output<typeof Isolation>;

/** Words where there is no list, so that all and nothing look different. */
const Allowed = z.union([z.literal('any'), z.literal('none'), z.array(z.int())]);

/** What is in force for one container, as `inspect` shows it. */
export const Enforced = z.object({
  userNamespace: z.object({ base: z.int(), size: z.int() }).nullable().describe('Its own range of users of the node.'),
  capabilities: z.array(z.string()).describe('What root inside is left with.'),
  noNewPrivileges: z.boolean(),
  seccomp: z
    .enum(['default', 'nspawn', 'off'])
    .describe('The filter of system calls; one that boots has the wider one of nspawn.'),
  readOnly: z.boolean(),
  devices: z.enum(['given', 'any']).describe('Which devices of the machine its control group lets be used.'),
  maskedPaths: z.boolean().describe('Whether what the firmware tells of the machine is hidden.'),
  landlock: z
    .object({
      version: z.int().describe('Of Landlock, as this kernel has it.'),
      fsRead: z.array(z.string()),
      fsWrite: z.array(z.string()),
      fsExecute: z.array(z.string()),
      netBind: Allowed,
      netConnect: Allowed,
    })
    .nullable()
    .describe('Null where there is none.'),
  missing: z.array(z.string()).describe('What was asked for and this machine cannot enforce.'),
});
export type Enforced = z.output<typeof Enforced>;

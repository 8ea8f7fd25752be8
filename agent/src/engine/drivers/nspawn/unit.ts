/** The unit of one container. Pure: the same config always gives the same text. */
import { constants } from 'node:os';
import type { ContainerConfig } from '@volt/shared/model';
import { VoltError } from '@volt/shared/errors';
import { MARK_FIELD } from '@volt/shared/systemd';
import { hardwareAddress } from '../../../network/index.ts';
import { bootArguments, bootProperties, isOs, startSeconds } from './boot.ts';
import { consoleArguments, consoleProperties } from './console.ts';
import { environmentArguments } from './environment.ts';
import { limitProperties, limitsOf, rlimitArguments } from '../../limits.ts';
import { INIT_INSIDE, INSIDE, machineName, type Paths } from './paths.ts';
import { deviceLines, givenArguments } from './given.ts';
import { hostnameOf, hostsArguments } from './hosts.ts';
import { mountArguments, mountNeeds, placeArguments } from './mounts.ts';
import { slotOf } from '../../slots.ts';
import { enterArguments } from './enter.ts';
import { beforeInit, isolationArguments, ownerOf } from './isolation.ts';

/**
 * Nothing that a program prints is left out: what prints faster than the journal
 * takes it waits. The journal's own size is the limit of all. (systemd takes an
 * interval of 0 for none given, and journald's own limit then holds.) What
 * nspawn says of each stop is no word of the program.
 */
const logging = ({ id }: ContainerConfig): string => `Environment=SYSTEMD_LOG_LEVEL=notice
LogRateLimitIntervalSec=1ms
LogRateLimitBurst=1000000
${id === undefined ? '' : `LogExtraFields=${MARK_FIELD}=${id}\n`}`;

/** At machine shutdown, and for `systemctl stop`; `volt container stop` brings its own. */
export const STOP_SECONDS = 90;

/** systemd refuses longer lines; the kernel longer argument lists. */
const COMMAND_BYTES_MAX = 128 * 1024;

export interface HostFacts {
  /** Which of nspawn's ways of copying resolv.conf fits the host. */
  readonly resolvConf: 'replace-host' | 'replace-uplink';
  /** Paths to hide from containers, of those that only some machines have. */
  readonly masked?: readonly string[] | undefined;
}

export function renderUnit(config: ContainerConfig, lower: string, paths: Paths, facts: HostFacts): string {
  const { spec, network } = config;
  const script = `${paths.lib}/container`;
  const run = [
    script,
    'run',
    spec.name,
    vethName(slotOf(config)),
    `${network.address}/${network.prefix}`,
    hardwareAddress(network.address),
    network.gateway,
    network.bridge,
    String(ownerOf(config)),
    String(config.userns.size),
    lower,
    ...consoleArguments(config, paths),
    ...placeArguments(config, paths),
    ...nspawn(config, paths, facts),
  ];
  return `[Unit]
Description=Volt container ${spec.name} (${spec.image})
Wants=volt-network.service
After=volt-network.service network.target
RequiresMountsFor=${quoted([paths.containers, ...mountNeeds(config, paths)])}
${startLimit(spec.restart)}
[Service]
Type=notify
${consoleProperties(config)}Slice=system.slice
SyslogIdentifier=${spec.name}
${logging(config)}${bootProperties(config)}EnvironmentFile=-${paths.containers}/${spec.name}/env
ExecStart=:${quoted(run)}
ExecStopPost=:${quoted([script, 'down', spec.name])}
Delegate=yes
OOMPolicy=continue
${deviceLines(config)}${limits(config, paths)}KillMode=mixed
SuccessExitStatus=${successes(config.stopSignal)}
TimeoutStartSec=${startSeconds(config)}
TimeoutStopSec=${Math.max(STOP_SECONDS, spec.stopTimeout ?? 0)}
${restart(spec.restart)}
[Install]
WantedBy=multi-user.target
`;
}

function nspawn(config: ContainerConfig, paths: Paths, facts: HostFacts): string[] {
  const { spec } = config;
  return [
    '/usr/bin/systemd-nspawn',
    '--quiet',
    '--keep-unit',
    '--register=no',
    `--machine=${machineName(spec.name)}`,
    `--hostname=${hostnameOf(config)}`,
    `--directory=${paths.containers}/${spec.name}/rootfs`,
    ...(isOs(config) ? bootArguments(config, facts.masked) : isolationArguments(config, facts.masked)),
    `--kill-signal=${config.stopSignal}`,
    ...hostsArguments(config, paths, facts.resolvConf),
    '--timezone=off',
    '--link-journal=no',
    ...(isOs(config) ? [] : ['--console=pipe']),
    `--bind-ro=${paths.lib}/inside:${INSIDE}`,
    ...mountArguments(config, paths),
    ...givenArguments(config, paths),
    ...rlimitArguments(limitsOf(spec)),
    ...environmentArguments(config.env),
    ...(isOs(config) ? [] : program(config)),
  ];
}

const program = (config: ContainerConfig): string[] => [
  '--',
  ...beforeInit(config),
  INIT_INSIDE,
  '--',
  ...enterArguments(config),
  ...config.command,
];

const limits = ({ spec }: ContainerConfig, paths: Paths): string =>
  limitProperties(limitsOf(spec), paths.containers)
    .map(({ line }) => `${line}\n`)
    .join('');

type Policy = ContainerConfig['spec']['restart'];

/** `unless-stopped` differs from `always` only in what is started with the machine. */
function restart(policy: Policy): string {
  if (policy === 'no') return 'Restart=no\n';
  const when = policy.startsWith('on-failure') ? 'on-failure' : 'always';
  return `Restart=${when}\nRestartSec=1\nRestartSteps=5\nRestartMaxDelaySec=30\n`;
}

/** `on-failure:3` may begin four times, within a time that a container which fails at once does not outlast. */
function startLimit(policy: Policy): string {
  const times = /^on-failure:(\d+)$/.exec(policy)?.[1];
  if (times === undefined) return 'StartLimitIntervalSec=0\n';
  return `StartLimitIntervalSec=1d\nStartLimitBurst=${Number(times) + 1}\n`;
}

/** A program that dies of what asked it to end has ended well. */
function successes(stopSignal: string): string {
  const number = constants.signals[stopSignal as NodeJS.Signals] as number | undefined;
  const own = number === undefined || number === constants.signals.SIGKILL ? [] : [128 + number];
  return [...new Set([143, ...own])].join(' ');
}

/** Interface names have at most 15 characters. */
export const vethName = (slot: number): string => `volt-c${slot}`;

/** As systemd reads command lines: quoted, C escapes, and no specifiers. The `:` before it turns variables off. */
export function quoted(argv: readonly string[]): string {
  const line = argv.map(quotedWord).join(' ');
  if (Buffer.byteLength(line) > COMMAND_BYTES_MAX) {
    throw new VoltError('USAGE', `The command is longer than ${COMMAND_BYTES_MAX} bytes`);
  }
  return line;
}

function quotedWord(word: string): string {
  if (word.includes('\0')) throw new VoltError('USAGE', 'A command cannot hold a zero byte');
  if (/^[A-Za-z0-9_/.:=,+@-]+$/.test(word)) return word;
  const escaped = word
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('%', '%%')
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0001-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

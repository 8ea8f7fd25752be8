/**
 * `volt daemon install`: makes this machine a node. Folders of the
 * specification, the group, and the units, which are then started. Doing it
 * again brings an older installation up to date, and stops no container.
 */
import { VoltError } from '@volt/shared/errors';
import type { Files, Programs } from '../host/index.ts';
import { renderServiceUnit, renderSocketUnit, SERVICE_UNIT, SOCKET_UNIT } from './units.ts';

export interface InstallPorts {
  readonly files: Files;
  readonly programs: Programs;
  /** The binary that the units start. */
  readonly program: string;
  readonly report: (line: string) => void;
}

const UNIT_FOLDER = '/etc/systemd/system';
const CONTROLLER_UNIT = 'volt-controller.service';
const GROUP = 'volt';

/** The first util-linux whose mount can map the owners of a layer (`X-mount.idmap`). */
const MOUNT_MIN = [2, 39] as const;

const folders: readonly (readonly [path: string, mode: number])[] = [
  ['/etc/volt', 0o755],
  ['/etc/volt/compose', 0o755],
  ['/etc/volt/profiles', 0o755],
  ['/var/lib/volt', 0o755],
  ['/var/lib/volt/containers', 0o711],
  ['/var/lib/volt/vms', 0o711],
  ['/var/lib/volt/kernels', 0o755],
  ['/var/lib/volt/images', 0o711],
  ['/var/lib/volt/volumes', 0o711],
  ['/var/lib/volt/cas', 0o700],
  ['/var/lib/volt/networks', 0o755],
  ['/var/lib/volt/units', 0o755],
  ['/var/lib/volt/backups', 0o700],
  ['/var/cache/volt', 0o755],
  ['/var/log/volt', 0o750],
];

/** Programs that containers need, and the Debian package of each. */
const needed: readonly (readonly [program: string, debianPackage: string])[] = [
  ['/usr/bin/systemd-nspawn', 'systemd-container'],
  ['/usr/bin/catatonit', 'catatonit'],
  ['/usr/sbin/nft', 'nftables'],
  ['/usr/bin/mount', 'mount'],
  ['/usr/bin/nsenter', 'util-linux'],
  ['/usr/sbin/ip', 'iproute2'],
];

export async function install(ports: InstallPorts, signal: AbortSignal): Promise<void> {
  const { files, programs, program, report } = ports;
  await requireSystemd(files);
  await requirePrograms(files);
  await requireMount(programs, signal);
  for (const [path, mode] of folders) await files.makeFolder(path, { mode });
  report(`Folders are in place`);
  await run(programs, ['groupadd', '--system', '--force', GROUP], signal);
  await files.write(`${UNIT_FOLDER}/${SOCKET_UNIT}`, renderSocketUnit(), { mode: 0o644 });
  await files.write(`${UNIT_FOLDER}/${SERVICE_UNIT}`, renderServiceUnit(program), { mode: 0o644 });
  await run(programs, ['systemctl', 'daemon-reload'], signal);
  await run(programs, ['systemctl', 'enable', '--quiet', SOCKET_UNIT, SERVICE_UNIT], signal);
  await run(programs, ['systemctl', 'start', SOCKET_UNIT], signal);
  // A restart, so that an agent of an older version gives way to this one.
  await run(programs, ['systemctl', 'restart', SERVICE_UNIT], signal);
  report(`The agent runs: ${SERVICE_UNIT}`);
  if (!(await files.exists(`${UNIT_FOLDER}/${CONTROLLER_UNIT}`))) return;
  // It is the same program, and was written to talk to agents of its own version.
  await run(programs, ['systemctl', 'restart', CONTROLLER_UNIT], signal);
  report(`The controller runs: ${CONTROLLER_UNIT}`);
}

async function requireSystemd(files: Files): Promise<void> {
  if (await files.exists('/run/systemd/system')) return;
  throw new VoltError('DEPENDENCY', 'This machine does not run systemd', {
    hint: 'npm run quickstart builds a lab of nodes that do',
  });
}

async function requirePrograms(files: Files): Promise<void> {
  const missing: string[] = [];
  for (const [program, debianPackage] of needed) {
    if (!(await files.exists(program))) missing.push(debianPackage);
  }
  if (missing.length === 0) return;
  throw new VoltError('DEPENDENCY', `Missing on this machine: ${missing.join(', ')}`, {
    hint: `apt-get install ${missing.join(' ')}`,
  });
}

async function requireMount(programs: Programs, signal: AbortSignal): Promise<void> {
  const { stdout } = await programs.run(['mount', '--version'], { signal });
  const found = /util-linux (\d+)\.(\d+)/.exec(stdout);
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  if (major > MOUNT_MIN[0] || (major === MOUNT_MIN[0] && minor >= MOUNT_MIN[1])) return;
  const what = found === null ? 'mount is not that of util-linux' : `util-linux is ${major}.${minor}`;
  throw new VoltError('DEPENDENCY', `Containers need util-linux ${MOUNT_MIN.join('.')} or newer; here ${what}`, {
    hint: 'Debian 13 has it',
  });
}

async function run(programs: Programs, argv: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await programs.run(argv, { signal });
  if (code === 0) return;
  throw new VoltError('DEPENDENCY', `'${argv.join(' ')}' ended with ${code}: ${stderr.trim()}`, {
    hint: `journalctl -u ${SERVICE_UNIT} -n 20`,
  });
}

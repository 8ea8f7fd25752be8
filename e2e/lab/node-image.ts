/**
 * What makes one node of the shared base image: its own few files, and the
 * command that boots it. Pure, but for writing the files down.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { netnsPath } from './network.ts';
import { GATEWAY_ADDRESS, NODES_MAX, nodeAddress, nodeName, nodeNetns } from './settings.ts';

/** The folders of one node on the host. `upper` and `volt` are its disk: they outlive power loss. */
export interface NodeFolders {
  readonly home: string;
  readonly upper: string;
  readonly work: string;
  readonly root: string;
  readonly volt: string;
  readonly console: string;
}

export function nodeFolders(lab: string, index: number): NodeFolders {
  const home = join(lab, nodeName(index));
  return {
    home,
    upper: join(home, 'upper'),
    work: join(home, 'work'),
    root: join(home, 'root'),
    volt: join(home, 'volt'),
    console: join(home, 'console.log'),
  };
}

const wantedDevices = [
  'net/tun',
  'fuse',
  'kvm',
  'loop-control',
  ...Array.from({ length: 8 }, (_, i) => `loop${i}`),
].map((name) => `/dev/${name}`);

export const hostDevices = (): string[] => wantedDevices.filter((path) => existsSync(path));

/** Files a node has that no other has, by path. */
export function nodeFiles(lab: string, index: number): Record<string, string> {
  const name = nodeName(index);
  return {
    '/etc/hostname': `${name}\n`,
    '/etc/machine-id': `${machineId(lab, index)}\n`,
    '/etc/hosts': hosts(name),
  };
}

/** Stable over power loss and over the lab's own removal, and different on every node. */
export function machineId(lab: string, index: number): string {
  return createHash('sha256')
    .update(`volt lab ${lab} ${nodeName(index)}`)
    .digest('hex')
    .slice(0, 32);
}

function hosts(name: string): string {
  const nodes = Array.from({ length: NODES_MAX }, (_, i) => `${nodeAddress(i + 1)} ${nodeName(i + 1)}`);
  return [
    '127.0.0.1 localhost',
    `::1 localhost ip6-localhost`,
    ...nodes.map((line) => (line.endsWith(` ${name}`) ? `${line} ${name}.lab` : line)),
    // Nodes have no way out; the gateway answers for Debian's mirrors.
    `${GATEWAY_ADDRESS} gateway deb.debian.org security.debian.org`,
    '',
  ].join('\n');
}

/** Makes a node's disk. The folder gets its name when everything is in it. */
export async function createNode(home: string, files: Record<string, string>): Promise<void> {
  const partial = `${home}.partial`;
  await rm(partial, { recursive: true, force: true });
  for (const folder of ['upper', 'work', 'root', 'volt']) await mkdir(join(partial, folder), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(partial, 'upper', path)), { recursive: true });
    await writeFile(join(partial, 'upper', path), content);
  }
  await rename(partial, home);
}

/**
 * Joins the node's control groups, mounts its root and becomes its nspawn, in
 * a mount namespace of its own: its mounts vanish with it. A mount of an
 * earlier life may linger for some milliseconds after its last process; with
 * index=on the kernel refuses (EBUSY) to use the same upper folder twice.
 */
const BOOT_SCRIPT = `
options=$1 root=$2; shift 2
while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 1; shift; done; shift
tries=0
until mount -t overlay overlay -o "$options" "$root"; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || exit 1; sleep 0.05
done
exec systemd-nspawn "$@"
`;

export interface BootSettings {
  readonly lab: string;
  readonly index: number;
  readonly base: string;
  readonly bin: string;
  readonly folders: NodeFolders;
  readonly cgroupFolders: readonly string[];
  readonly devices: readonly string[];
}

export const bootEnv: Record<string, string> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
  SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
};

export function bootCommand(settings: BootSettings): string[] {
  const { folders } = settings;
  const overlay = `lowerdir=${settings.base},upperdir=${folders.upper},workdir=${folders.work},index=on`;
  const own = ['unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', BOOT_SCRIPT, 'lab-boot'];
  return [...own, overlay, folders.root, ...settings.cgroupFolders, '--', ...nspawnArguments(settings)];
}

/** No user namespace for the node itself: its containers need whole ranges of user ids of their own. */
function nspawnArguments(settings: BootSettings): string[] {
  const { folders, lab, index } = settings;
  return [
    '--quiet',
    '--boot',
    `--directory=${folders.root}`,
    `--machine=${machineName(lab, index)}`,
    `--hostname=${nodeName(index)}`,
    `--uuid=${machineId(lab, index)}`,
    '--register=no',
    '--keep-unit',
    `--network-namespace-path=${netnsPath(nodeNetns(lab, index))}`,
    '--capability=all',
    '--system-call-filter=@known',
    '--resolv-conf=off',
    '--timezone=off',
    '--link-journal=no',
    `--bind=${folders.volt}:/var/lib/volt`,
    `--bind-ro=${settings.bin}:/usr/local/bin`,
    ...settings.devices.map((path) => `--bind=${path}`),
    'systemd.log_target=journal',
  ];
}

export const machineName = (lab: string, index: number): string => `${lab}-${nodeName(index)}`;

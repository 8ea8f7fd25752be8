/**
 * The root file system all nodes share, read-only. It is made once by
 * mmdebstrap and kept under a name that is a hash of everything it was made
 * from, so a change here makes another one and an unchanged one is never made
 * twice. A folder of that name is always complete: it gets it last.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { hostMirrors, type Mirrors } from './apt-sources.ts';
import { mustRun } from './process.ts';
import { GATEWAY_ADDRESS, PACKAGES_PORT, type Report } from './settings.ts';

const BUILD_MS_MAX = 10 * 60_000;
const SUITE = 'trixie';
/** Raised when what is done to the tree after mmdebstrap changes. */
const FINISH_VERSION = 2;

/** What a root file system is for. Its name is the first part of its folder's. */
export interface Flavour {
  readonly name: string;
  /** Debian packages beyond those that every node has. */
  readonly packages: readonly string[];
}

const nodeFlavour: Flavour = { name: 'base', packages: [] };

const nodePackages = [
  'systemd systemd-sysv systemd-container dbus udev procps util-linux',
  'iproute2 nftables iputils-ping socat curl ca-certificates openssl',
  // The volt binary is a Node program and links these two.
  'nats-server catatonit libstdc++6 libatomic1',
  // A node builds images itself.
  'mmdebstrap apt debian-archive-keyring gpg gpgv tar zstd',
].flatMap((line) => line.split(' '));

const excludedPaths = ['doc', 'man', 'locale', 'info', 'lintian'].map((folder) => `/usr/share/${folder}/*`);

/** Units a node does without: they would reach for the network, or for a terminal that is not there. */
const maskedUnits = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'nats-server.service',
];

const files: Record<string, string> = {
  // Empty, so that each node brings its own.
  '/etc/machine-id': '',
  '/etc/hostname': '',
  '/etc/resolv.conf': '',
  '/etc/apt/sources.list': aptSources(`http://${GATEWAY_ADDRESS}:${PACKAGES_PORT}`),
  // Evidence must be whole: nothing is dropped for being too much at once.
  '/etc/systemd/journald.conf.d/lab.conf':
    '[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=128M\nSyncIntervalSec=1s\n',
};

function aptSources(origin: string): string {
  return [
    `deb ${origin}/debian ${SUITE} main`,
    `deb ${origin}/debian ${SUITE}-updates main`,
    `deb ${origin}/debian-security ${SUITE}-security main`,
    '',
  ].join('\n');
}

/** The folder name for these inputs. */
export function baseName(flavour: Flavour = nodeFlavour): string {
  const packages = packagesOf(flavour);
  const inputs = JSON.stringify([SUITE, FINISH_VERSION, process.arch, packages, excludedPaths, maskedUnits, files]);
  return `${flavour.name}-${createHash('sha256').update(inputs).digest('hex').slice(0, 16)}`;
}

const packagesOf = (flavour: Flavour): string[] => [...nodePackages, ...flavour.packages];

/** Path of a complete base image, made if it is not there. Safe to call from several processes at once. */
export async function ensureBase(dir: string, report: Report, flavour: Flavour = nodeFlavour): Promise<string> {
  const base = join(dir, baseName(flavour));
  if (existsSync(base)) return base;

  await mkdir(dir, { recursive: true });
  await removeAbandoned(dir);
  const building = `${base}.${process.pid}.partial`;
  report(`Building the ${flavour.name} image of Debian (half a minute, once)`);
  try {
    const mirrors = await hostMirrors();
    await mustRun(mmdebstrapCommand(building, mirrors, packagesOf(flavour)), {
      env: buildEnv(mirrors),
      timeoutMs: BUILD_MS_MAX,
    });
    await finish(building);
    await rename(building, base).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster; its image is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (cause) {
    if (cause instanceof VoltError) throw cause;
    throw new VoltError('DEPENDENCY', 'The base image could not be built', { cause });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return base;
}

export function mmdebstrapCommand(target: string, mirrors: Mirrors, packages: readonly string[]): string[] {
  return [
    'mmdebstrap',
    '--quiet',
    '--variant=minbase',
    '--aptopt=APT::Install-Recommends "false"',
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--include=${packages.join(',')}`,
    SUITE,
    target,
    `deb ${mirrors.debian} ${SUITE} main`,
    `deb ${mirrors.debian} ${SUITE}-updates main`,
    `deb ${mirrors.security} ${SUITE}-security main`,
  ];
}

/** The proxy goes in as environment: as an apt option it would stay in the image, and nodes cannot reach it. */
function buildEnv(mirrors: Mirrors): NodeJS.ProcessEnv {
  return mirrors.proxy === undefined ? process.env : { ...process.env, http_proxy: mirrors.proxy };
}

/** Removes base images of other inputs that no lab stands on, and builds whose process is gone. */
export async function removeOldBases(dir: string, inUse: readonly string[]): Promise<void> {
  await removeAbandoned(dir);
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (!/^base-[0-9a-f]{16}$/.test(name) || name === baseName() || inUse.includes(path)) continue;
    await rm(path, { recursive: true, force: true });
  }
}

async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = /^[a-z]+-[0-9a-f]{16}\.([0-9]+)\.partial$/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }
}

async function finish(root: string): Promise<void> {
  for (const folder of ['/var/cache/apt', '/var/lib/apt/lists', '/usr/share/doc', '/usr/share/locale', '/dev']) {
    await rm(join(root, folder), { recursive: true, force: true });
  }
  for (const folder of ['/dev', '/var/lib/apt/lists/partial', '/var/lib/volt', '/var/log/journal', '/usr/local/bin']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await rm(join(root, path), { force: true });
    await writeFile(join(root, path), content);
  }
  for (const unit of maskedUnits) {
    const link = join(root, 'etc/systemd/system', unit);
    await rm(link, { force: true });
    await symlink('/dev/null', link);
  }
  // Last: younger than /usr, they tell systemd that its caches are fresh, which saves each node a second.
  for (const folder of ['etc', 'var']) await writeFile(join(root, folder, '.updated'), '');
}

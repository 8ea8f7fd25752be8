/** What the lab needs of the machine it runs on, and how it gets it. */
import { VoltError } from '@volt/shared/errors';
import { run } from './process.ts';
import type { Report } from './settings.ts';

const labPackages = [
  'ca-certificates',
  'debian-archive-keyring',
  'iproute2',
  'mmdebstrap',
  'systemd-container',
  'util-linux',
];

const INSTALL_MS_MAX = 10 * 60_000;

/** Throws unless the lab can work as this user. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new VoltError('PERMISSION', 'The lab needs root: it mounts, makes network namespaces and boots systemd', {
    hint: 'Run the same command with sudo',
  });
}

/** Installs the Debian packages that are missing. Changes nothing, and asks the network nothing, if none is. */
export async function prepareHost(report: Report, wanted: readonly string[] = labPackages): Promise<void> {
  requireRoot();
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return;

  report(`Installing Debian packages: ${missing.join(' ')}`);
  const first = await aptGet(['install', '--no-install-recommends', ...missing]);
  if (first.code === 0) return;
  // Package lists that are absent or older than the mirror are the usual reason.
  report('Updating package lists');
  await aptGet(['update']);
  const second = await aptGet(['install', '--no-install-recommends', ...missing]);
  if (second.code !== 0) {
    throw new VoltError('DEPENDENCY', `Cannot install ${missing.join(' ')}: ${second.stderr.trim()}`, {
      hint: 'Run apt-get update and install them by hand',
    });
  }
}

async function missingPackages(wanted: readonly string[]): Promise<string[]> {
  const query = await run(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\\n', ...wanted]).catch(
    (cause: unknown) => {
      throw new VoltError('DEPENDENCY', 'The lab needs a Debian host: dpkg-query is not there', { cause });
    },
  );
  return missingFrom(query.stdout, wanted);
}

/** Reads `name status` lines; packages dpkg has never heard of are not in them at all. */
export function missingFrom(dpkgLines: string, wanted: readonly string[]): string[] {
  const installed = new Set(dpkgLines.split('\n').flatMap((line) => /^(\S+) installed$/.exec(line)?.[1] ?? []));
  return wanted.filter((name) => !installed.has(name));
}

function aptGet(args: readonly string[]) {
  return run(['apt-get', '-qq', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: INSTALL_MS_MAX,
  });
}

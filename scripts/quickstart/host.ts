/** `--host`: this machine becomes a single node, from what is in this folder. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { promisify } from 'node:util';
import { VoltError } from '@volt/shared/errors';
import { DEFAULT_BINARY } from '../../e2e/lab/index.ts';
import { Steps } from './steps.ts';

const TARGET = '/usr/local/bin/volt';

/** What containers need, by Debian package. */
const packages = ['systemd-container', 'catatonit', 'nftables', 'iproute2', 'libatomic1', 'util-linux', 'mmdebstrap'];

const execute = promisify(execFile);

const aptGet = (...args: readonly string[]) =>
  execute('apt-get', [...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });

const installPackages = () => aptGet('install', '--yes', '--no-install-recommends', ...packages);

export async function installHost(build: (report: (line: string) => void) => Promise<void>): Promise<void> {
  if (!existsSync('/run/systemd/system')) {
    throw new VoltError('DEPENDENCY', 'This machine does not run systemd as its first process', {
      hint: 'npm run quickstart builds a lab of machines that do',
    });
  }
  const steps = new Steps();
  await steps.run(`Install ${packages.join(', ')}`, async () => {
    // Package lists that are absent or older than the mirror are the usual reason for a failure.
    await installPackages().catch(async () => {
      await aptGet('update');
      await installPackages();
    });
  });
  await steps.run('Build the volt binary', build);
  await steps.run(`Install it as ${TARGET} and start the agent`, async () => {
    // Renamed into place, since the one that is there may be running.
    copyFileSync(DEFAULT_BINARY, `${TARGET}.partial`);
    renameSync(`${TARGET}.partial`, TARGET);
    await execute(TARGET, ['daemon', 'install']);
  });
  process.stdout.write(`
This machine is a node. Go on with:
  volt system info
  volt image build web --packages nginx-light --entrypoint "/usr/sbin/nginx -g 'daemon off;'"
  volt run web web
  volt ps
`);
}

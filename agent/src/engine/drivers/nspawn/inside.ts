/**
 * The two programs that every container sees under /run/volt: the init that is
 * its first process, and the helper that becomes its program. They are copies in
 * one folder, so that one mount brings both and an upgrade of the host cannot
 * pull them away from under a container that runs. Neither needs a library.
 */
import { VoltError } from '@volt/shared/errors';
import type { Files, Programs } from '../../../host/index.ts';
import type { Paths } from './paths.ts';
import { renderScript } from './script.ts';

const INIT = '/usr/bin/catatonit';

/** What the units and this driver call, with the package that has it. */
const needed: Readonly<Record<string, string>> = {
  [INIT]: 'catatonit',
  '/usr/bin/systemd-nspawn': 'systemd-container',
  '/usr/bin/nsenter': 'util-linux',
  '/usr/sbin/ip': 'iproute2',
};

export async function installPrograms(
  { files, enter, console }: { files: Files; enter: () => Uint8Array; console: () => Uint8Array },
  paths: Paths,
): Promise<void> {
  for (const [program, source] of Object.entries(needed)) {
    if (await files.exists(program)) continue;
    throw new VoltError('DEPENDENCY', `'${program}' is not installed`, { hint: `apt-get install ${source}` });
  }
  await files.makeFolder(paths.lib, { mode: 0o755 });
  await files.makeFolder(`${paths.lib}/inside`, { mode: 0o755 });
  const script = renderScript(paths);
  if ((await files.read(`${paths.lib}/container`)) !== script) {
    await files.write(`${paths.lib}/container`, script, { mode: 0o755 });
  }
  await files.copy(INIT, `${paths.lib}/inside/init`, { mode: 0o755 });
  await files.write(`${paths.lib}/inside/enter`, enter(), { mode: 0o755 });
  await files.write(`${paths.lib}/console`, console(), { mode: 0o755 });
}

/** Asks the kernel through the helper, as a container would. */
export async function landlockVersion(programs: Programs, paths: Paths, signal: AbortSignal): Promise<number> {
  const { stdout } = await programs.run([`${paths.lib}/inside/enter`, '--probe'], { signal });
  return /^\d+$/.test(stdout) ? Number(stdout) : 0;
}

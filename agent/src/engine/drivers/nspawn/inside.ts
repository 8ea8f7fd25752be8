/**
 * The few host programs that every container sees under /run/volt: the init
 * that is its first process, setpriv and setsid with their libraries. They are copies
 * in one folder, so that one mount brings all and a host upgrade cannot pull
 * them away from under a container that runs.
 */
import { VoltError } from '@volt/shared/errors';
import type { Files, Programs } from '../../../host/index.ts';
import type { Paths } from './paths.ts';
import { renderScript } from './script.ts';

const INIT = '/usr/bin/catatonit';
const SETPRIV = '/usr/bin/setpriv';
/** Needs no library that setpriv does not. */
const SETSID = '/usr/bin/setsid';

/** What the units and this driver call, with the package that has it. */
const needed: Readonly<Record<string, string>> = {
  [INIT]: 'catatonit',
  [SETPRIV]: 'util-linux',
  [SETSID]: 'util-linux',
  '/usr/bin/systemd-nspawn': 'systemd-container',
  '/usr/bin/nsenter': 'util-linux',
  '/usr/sbin/ip': 'iproute2',
};

export async function installPrograms(
  host: { files: Files; programs: Programs },
  paths: Paths,
  signal: AbortSignal,
): Promise<void> {
  const { files, programs } = host;
  for (const [program, source] of Object.entries(needed)) {
    if (await files.exists(program)) continue;
    throw new VoltError('DEPENDENCY', `'${program}' is not installed`, { hint: `apt-get install ${source}` });
  }
  const inside = `${paths.lib}/inside`;
  await files.makeFolder(paths.lib, { mode: 0o755 });
  await files.makeFolder(inside, { mode: 0o755 });
  const script = renderScript(paths);
  if ((await files.read(`${paths.lib}/container`)) !== script) {
    await files.write(`${paths.lib}/container`, script, { mode: 0o755 });
  }
  await files.copy(INIT, `${inside}/init`, { mode: 0o755 });
  await files.copy(SETPRIV, `${inside}/setpriv`, { mode: 0o755 });
  await files.copy(SETSID, `${inside}/setsid`, { mode: 0o755 });
  const { stdout } = await programs.run(['/usr/bin/ldd', SETPRIV], { signal });
  for (const { path, name } of librariesOf(stdout)) {
    await files.copy(path, `${inside}/${name}`, { mode: 0o755 });
  }
}

/** From what ldd prints: libraries by the name they are asked for, and the loader under one name for all machines. */
export function librariesOf(text: string): { path: string; name: string }[] {
  return text.split('\n').flatMap((line) => {
    const library = /^\s*(\S+) => (\/\S+) \(/.exec(line);
    if (library !== null) return [{ path: library[2]!, name: library[1]! }];
    const loader = /^\s*(\/\S+) \(/.exec(line);
    return loader === null ? [] : [{ path: loader[1]!, name: 'ld.so' }];
  });
}

/** Putting a container's files in their places, and clearing them away. Each step may be repeated. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';
import { containerUnit } from '@volt/shared/systemd';
import type { Files, Programs, Systemd } from '../../../host/index.ts';
import { renderEnvironmentFile, renderSettings } from './environment.ts';
import { renderGiven } from './given.ts';
import { renderHosts, renderResolv } from './hosts.ts';
import { ownerOf, rareMasks } from './isolation.ts';
import { machineName, type Paths } from './paths.ts';
import { renderUnit } from './unit.ts';

const PUBLIC = { mode: 0o644 };
const SECRET = { mode: 0o600 };

export async function installContainer(
  files: Files,
  paths: Paths,
  config: ContainerConfig,
  lower: string,
): Promise<void> {
  const { name } = config.spec;
  const owner = ownerOf(config);
  const home = `${paths.containers}/${name}`;
  const unit = containerUnit(name);
  const resolved = await files.exists('/run/systemd/resolve/resolv.conf');
  const masked = await present(files, rareMasks);
  const text = renderUnit(config, lower, paths, { resolvConf: resolved ? 'replace-uplink' : 'replace-host', masked });
  const environment = renderEnvironmentFile(config.env);
  await files.makeFolder(`${paths.systemd}/multi-user.target.wants`, { mode: 0o755 });
  await files.makeFolder(paths.units, { mode: 0o755 });
  await files.makeFolder(home, { mode: 0o700 });
  await Promise.all([
    makeMountPoint(files, `${home}/rootfs`),
    files.makeFolder(`${home}/work`, { mode: 0o700 }),
    makeUpper(files, `${home}/upper`, lower, owner),
    update(files, `${home}/${machineName(name)}.nspawn`, renderSettings(config.env), SECRET),
    environment === '' ? files.remove(`${home}/env`) : update(files, `${home}/env`, environment, SECRET),
    update(files, `${home}/given`, renderGiven(config), SECRET),
    update(files, `${home}/hosts`, renderHosts(config), { ...PUBLIC, owner }),
    update(files, `${home}/resolv.conf`, renderResolv(config) ?? '', PUBLIC),
    update(files, `${paths.units}/${unit}`, text, PUBLIC),
    update(files, `${paths.systemd}/${unit}`, text, PUBLIC),
  ]);
  const wants = `${paths.systemd}/multi-user.target.wants/${unit}`;
  if (!startsWithMachine(config)) await files.remove(wants);
  else if (!(await files.exists(wants))) await files.link(`${paths.systemd}/${unit}`, wants);
}

function startsWithMachine({ spec, isStoppedByHand }: ContainerConfig): boolean {
  return spec.boot && spec.rm !== true && !(spec.restart === 'unless-stopped' && isStoppedByHand === true);
}

async function present(files: Files, paths: readonly string[]): Promise<string[]> {
  const are = await Promise.all(paths.map((path) => files.exists(path)));
  return paths.filter((_path, n) => are[n]);
}

/** While the container runs, what is there is its own root, and mode and owner of that are not ours to set. */
async function makeMountPoint(files: Files, path: string): Promise<void> {
  if (!(await files.exists(path))) await files.makeFolder(path, { mode: 0o755 });
}

/**
 * nspawn insists on /usr, which an image of one static program does not have. At once with the folder, or not at all:
 * what is in it later is the container's, and may be a link to anywhere.
 */
async function makeUpper(files: Files, upper: string, lower: string, owner: number): Promise<void> {
  if (await files.exists(upper)) return;
  const made = `${upper}.new`;
  await files.makeFolder(made, { mode: 0o755, owner });
  if (!(await files.exists(`${lower}/usr`))) await files.makeFolder(`${made}/usr`, { mode: 0o755, owner });
  await files.moveFolder(made, upper);
}

export async function removeContainer(
  { files, programs, systemd }: { files: Files; programs: Programs; systemd: Systemd },
  paths: Paths,
  name: string,
): Promise<void> {
  const unit = containerUnit(name);
  await files.remove(`${paths.systemd}/multi-user.target.wants/${unit}`);
  await files.remove(`${paths.systemd}/${unit}`);
  await files.remove(`${paths.units}/${unit}`);
  await files.removeTree(`${paths.systemdControl}/${unit}.d`);
  await systemd.resetFailed(unit);
  if (await files.exists(`${paths.run}/${name}`)) await clearMounts(programs, paths, name);
  await files.removeTree(`${paths.containers}/${name}`);
}

/** In the mount namespace of the machine: the unit's mounts are there, whatever namespace the agent has. */
async function clearMounts(programs: Programs, paths: Paths, name: string): Promise<void> {
  const argv = ['/usr/bin/nsenter', '--mount=/proc/1/ns/mnt', '--', `${paths.lib}/container`, 'down', name];
  const { code, stderr } = await programs.run(argv, { signal: new AbortController().signal });
  if (code !== 0) throw new VoltError('DEPENDENCY', `Could not clear away '${name}': ${stderr.trim()}`);
}

async function update(
  files: Files,
  path: string,
  text: string,
  options: { mode: number; owner?: number },
): Promise<void> {
  if ((await files.read(path)) !== text) await files.write(path, text, options);
}

/** Files that were being written when an agent was killed: they have no name yet, and nobody reads them. */
import type { Files } from '../../../host/index.ts';
import type { Paths } from './paths.ts';

/** As Files names what it writes. */
const UNNAMED = /\.[0-9a-f]{12}\.tmp$/;
/** In a folder that others write to as well. */
const OUR_UNIT = /^volt-container@.*\.[0-9a-f]{12}\.tmp$/;

export async function clearUnnamed(files: Files, paths: Paths): Promise<void> {
  const clear = async (folder: string, isOurs: RegExp) => {
    const names = (await files.list(folder)).filter((name) => isOurs.test(name));
    await Promise.all(names.map((name) => files.remove(`${folder}/${name}`)));
  };
  const homes = (await files.list(paths.containers)).map((name) => `${paths.containers}/${name}`);
  const own = [paths.units, paths.lib, `${paths.lib}/inside`, paths.run, ...homes];
  await Promise.all([...own.map((folder) => clear(folder, UNNAMED)), clear(paths.systemd, OUR_UNIT)]);
}

/** Images in a folder of their own, as an agent would have them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cas } from '@volt/agent/cas';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import { Images, RemoteImages } from '@volt/agent/images';
import { Partials, Registries } from '@volt/agent/oci';
import { openStore, type Store } from '@volt/agent/store';

const now = () => new Date();
const stores = new WeakMap<Images, Store>();

/** A second call with the same folder is the next start of the agent. */
export async function images(folder: string): Promise<Images> {
  const programs = new NodePrograms();
  const root = join(folder, 'cas');
  const store = await openStore({ root, images: join(folder, 'images'), programs, specials: kernelSpecialFiles });
  const made = new Images({ store, programs, scratch: join(root, 'tmp'), usersOf: async () => [], now });
  stores.set(made, store);
  return made;
}

const storeOf = (made: Images): Store => stores.get(made) as Store;

/** Removes what no name needs. */
export async function collect(made: Images, signal: AbortSignal): Promise<void> {
  const cas = new Cas({ store: storeOf(made), treesInUse: async () => [], peers: async () => [], now });
  await cas.collect(false, { signal });
}

export const settingsOf = (folder: string): Registries => new Registries(join(folder, 'registries.yaml'));

export function writeSettings(folder: string, registries: object): void {
  writeFileSync(join(folder, 'registries.yaml'), JSON.stringify({ registries }), { mode: 0o600 });
}

export function remote(folder: string, made: Images): RemoteImages {
  const partials = new Partials(join(folder, 'cas/partial'));
  const scratch = join(folder, 'cas/tmp');
  return new RemoteImages({
    ...{ store: storeOf(made), names: made.names, registries: settingsOf(folder) },
    ...{ partials, scratch, now },
  });
}

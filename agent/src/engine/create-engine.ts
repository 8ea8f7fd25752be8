import type { Network } from '../network/index.ts';
import { ContainerEngine } from './container-engine.ts';
import { defaultPaths, NspawnDriver, NspawnFiles, type Host, type Paths } from './drivers/nspawn/index.ts';
import type { GivenKeeper } from './surroundings.ts';
import type { VolumeKeeper } from './storage.ts';
import type { Engine, Healths, Images } from './engine.ts';

export interface CreateEngineOptions {
  /** The ports of the host room. */
  readonly host: Host;
  readonly images: Images;
  readonly network: Pick<Network, 'place'>;
  readonly volumes?: VolumeKeeper | undefined;
  readonly given?: GivenKeeper | undefined;
  readonly paths?: Paths | undefined;
  /** Whether what runs works; without it nothing is said of that. */
  readonly healths?: Healths | undefined;
}

/** The containers of this node. Nothing is touched before `recover()`, which must be the first call. */
export function createEngine({
  host,
  images,
  network,
  healths,
  volumes,
  given,
  paths = defaultPaths,
}: CreateEngineOptions): Engine {
  const driver = new NspawnDriver(host, paths);
  const { files, clock } = host;
  const access = new NspawnFiles(host, paths);
  return new ContainerEngine({
    files,
    clock,
    driver,
    access,
    images,
    network,
    containers: paths.containers,
    healths,
    volumes,
    given,
  });
}

import type { Network } from '../network/index.ts';
import { ContainerEngine } from './container-engine.ts';
import { defaultPaths, NspawnDriver, type Host, type Paths } from './drivers/nspawn/index.ts';
import type { Engine, Healths, Images } from './engine.ts';

export interface CreateEngineOptions {
  /** The ports of the host room. */
  readonly host: Host;
  readonly images: Images;
  readonly network: Pick<Network, 'place'>;
  readonly paths?: Paths | undefined;
  /** Whether what runs works; without it nothing is said of that. */
  readonly healths?: Healths | undefined;
}

/** The containers of this node. Nothing is touched before `recover()`, which must be the first call. */
export function createEngine({ host, images, network, healths, paths = defaultPaths }: CreateEngineOptions): Engine {
  const driver = new NspawnDriver(host, paths);
  const { files, clock } = host;
  return new ContainerEngine({ files, clock, driver, images, network, containers: paths.containers, healths });
}

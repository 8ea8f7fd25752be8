/** Volumes of this node, as the doors and the engine ask for them. */
import type { Engine, VolumeKeeper } from './engine/index.ts';
import { kernelProjectQuotas, kernelSpecialFiles, kernelXattrs, type Programs } from './host/index.ts';
import { exportFolder } from './images/index.ts';
import { lookAtBinds, Volumes } from './volumes/index.ts';
import type { OpenImages } from './wire-images.ts';

export interface OpenVolumes {
  readonly operations: Volumes;
  readonly forEngine: VolumeKeeper;
  /** Volumes ask the engine who has them, and the engine asks for volumes: one of them comes second. */
  use(engine: Pick<Engine, 'mounted'>): void;
  /** Run once, when the engine knows its containers. */
  recover(): Promise<void>;
}

const FOLDER = '/var/lib/volt/volumes';

export function openVolumes(programs: Programs, images: Pick<OpenImages, 'store'>): OpenVolumes {
  let engine: Pick<Engine, 'mounted'> | undefined;
  const volumes = new Volumes({
    folder: FOLDER,
    programs,
    quotas: kernelProjectQuotas,
    specials: kernelSpecialFiles,
    xattrs: kernelXattrs,
    users: () => engine?.mounted() ?? [],
    now: () => new Date(),
  });
  return {
    operations: volumes,
    forEngine: {
      look: (mounts, isMapped) => lookAtBinds(programs, mounts, isMapped),
      ensure: ({ spec, image: { tree }, mounts = [] }, signal) => {
        const fromImage = (path: string) => exportFolder({ store: images.store, tree, signal }, path);
        return volumes.ensure({ container: spec.name, mounts, fromImage }, signal);
      },
      discard: (names) => volumes.discard(names),
    },
    use: (given) => {
      engine = given;
    },
    recover: () => volumes.recover(),
  };
}

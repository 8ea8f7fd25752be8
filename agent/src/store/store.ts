/** Stellarium, the content-addressed store: everything in it, opened once by the agent. */
import { Claims } from './claims.ts';
import { type Hash, openHash } from './hash.ts';
import { Holds } from './holds.ts';
import { Incoming } from './incoming.ts';
import { layoutOf, prepareLayout } from './layout.ts';
import { chooseLowers, type LowersSetting } from './lower-probe.ts';
import { Lowers } from './lower.ts';
import type { LowerWay } from './lower-way.ts';
import { Objects } from './objects.ts';
import type { Programs, SpecialFiles } from '../host/index.ts';
import { Refs } from './refs.ts';

export type { LowersSetting, LowerWay, Objects };

export interface Store {
  readonly objects: Objects;
  readonly refs: { readonly images: Refs; readonly manifests: Refs; readonly pins: Refs };
  /** What garbage collection has to leave alone. */
  readonly holds: Holds;
  /** Large objects that peers are sending, or were. */
  readonly incoming: Incoming;
  /** Who is fetching what. */
  readonly claims: Claims;
  readonly lowers: Lowers;
}

export interface StoreOptions {
  /** For example /var/lib/volt/cas. */
  readonly root: string;
  /** Where lowers go, for example /var/lib/volt/images; on the same file system. */
  readonly images: string;
  readonly programs: Programs;
  readonly specials: SpecialFiles;
  /** How lowers are made; the best way that there is when not given. */
  readonly lowers?: LowersSetting | undefined;
  readonly hash?: Hash | undefined;
}

/** Opens the store, making it where there is none, and clears what an interrupted agent left unfinished. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { root, images, programs, specials, lowers: setting = 'auto' } = options;
  const layout = layoutOf(root, images);
  prepareLayout(layout);
  const [choice, hash] = await Promise.all([
    chooseLowers({ layout, setting, programs, specials }),
    options.hash ?? openHash(),
  ]);
  const incoming = new Incoming(layout, hash);
  incoming.sweep(Date.now(), () => false);
  const holds = new Holds();
  const objects = new Objects({ layout, hash, programs, holds });
  return {
    objects,
    refs: {
      images: new Refs(layout, 'images'),
      manifests: new Refs(layout, 'manifests'),
      pins: new Refs(layout, 'pins'),
    },
    holds,
    incoming,
    claims: new Claims(),
    lowers: new Lowers(objects, { holds, programs, specials }, choice),
  };
}

/** For tests: images in a store of their own. */
import { join } from 'node:path';
import { NodePrograms, type Programs } from '../host/index.ts';
import { tempStore, type TempStore } from '../store/testing.ts';
import { Images } from './images.ts';

export { chunksOf, END, rawEntry, tarOf } from '../tar/testing.ts';

export interface TempImages {
  readonly store: TempStore;
  readonly images: Images;
  /** Who uses which image or tree: tests write it. */
  readonly users: Map<string, string[]>;
  readonly scratch: string;
}

export async function tempImages(programs: Programs = new NodePrograms()): Promise<TempImages> {
  const store = await tempStore();
  const users = new Map<string, string[]>();
  const scratch = join(store.folder, 'cas/tmp');
  const images = new Images({
    store,
    programs,
    scratch,
    usersOf: async (_what, digest) => users.get(digest) ?? [],
    now: () => new Date('2026-01-02T03:04:05Z'),
  });
  return { store, images, users, scratch };
}

export const { signal } = new AbortController();

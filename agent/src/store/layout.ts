/**
 * Where the store keeps what:
 *
 *   <root>/objects/ab/<digest>      contents, read-only, named by their hash
 *   <root>/refs/<kind>/<name>/<tag> names; each file holds one digest
 *   <root>/tmp/                     staging; emptied when the store opens
 *   <root>/partial/                 large objects that have not arrived whole (incoming.ts), and blobs from registries
 *   <images>/<tree digest>/rootfs   lowers: trees laid out as folders
 *   <images>/<tree digest>/way      how that one was made (lower-way.ts)
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, checkDigest } from './digest.ts';
import { fsyncFolder } from './durable.ts';
import { spreadFolders } from '../host/index.ts';

export interface Layout {
  readonly root: string;
  readonly objects: string;
  readonly refs: string;
  readonly tmp: string;
  /** Made when something is put there. */
  readonly partial: string;
  readonly images: string;
}

export const layoutOf = (root: string, images: string): Layout => ({
  root,
  objects: join(root, 'objects'),
  refs: join(root, 'refs'),
  tmp: join(root, 'tmp'),
  partial: join(root, 'partial'),
  images,
});

/** By hand: joining paths is what asking for many objects would take most time for. */
export const shardOf = (layout: Layout, digest: Digest): string => `${layout.objects}/${digest.slice(0, 2)}`;

export const objectPath = (layout: Layout, digest: Digest): string =>
  `${shardOf(layout, checkDigest(digest))}/${digest}`;

/** Prefix of what is being built or removed beside the lowers. No digest starts with a dot. */
export const UNFINISHED = '.unfinished';

/**
 * Makes the folders and removes what an interrupted process left. Only the
 * agent opens the store for writing, so whatever is unfinished is nobody's.
 */
export function prepareLayout(layout: Layout): void {
  // Objects carry the owner and mode of image files, setuid programs included: no user of the host may reach them.
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  for (const folder of [layout.objects, layout.refs, layout.tmp, layout.images])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  // What is made here in thousands must not wait for what was removed in thousands.
  for (const folder of [layout.objects, layout.tmp, layout.images]) spreadFolders(folder);
  fsyncFolder(layout.root);
  for (const left of readdirSync(layout.tmp)) rmSync(join(layout.tmp, left), { recursive: true, force: true });
  for (const left of readdirSync(layout.images)) {
    if (left.startsWith(UNFINISHED)) rmSync(join(layout.images, left), { recursive: true, force: true });
  }
}

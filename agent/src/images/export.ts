/** An image on its way out: as an archive of its files, or as one that other engines read. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import {
  documentsOf,
  type ImageDocuments,
  isLayerName,
  layoutTar,
  packed,
  type Packing,
  packLayer,
  platformOf,
} from '../oci/index.ts';
import { decodeTree, shown, type Store } from '../store/index.ts';
import { exportTar } from './export-tar.ts';
import type { ImageManifest } from './manifest.ts';
import type { Reference } from './reference.ts';

export interface ExportRequest {
  readonly name: string;
  /** `oci` is read by every engine, `docker load` included; `rootfs` is the bare files. */
  readonly format: 'oci' | 'rootfs';
  readonly packing: Packing;
}

export interface ImageExport extends Omit<ExportRequest, 'name'> {
  readonly store: Store;
  readonly reference: Reference;
  readonly manifest: ImageManifest;
  /** Made here and removed at the end; must not exist. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

export async function* exportImage(request: ImageExport): AsyncGenerator<Uint8Array> {
  const { store, reference, manifest, format, packing, scratch, signal } = request;
  if (format === 'rootfs') {
    yield* packed(exportTar({ store, tree: manifest.tree, signal }), packing);
    return;
  }
  mkdirSync(scratch, { mode: 0o700 });
  try {
    yield* layoutTar(await packImage(request), reference);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The image as one layer in a file of the scratch folder, which exists, with its documents. */
export async function packImage({
  store,
  manifest,
  packing,
  scratch,
  signal,
}: Pick<ImageExport, 'store' | 'manifest' | 'packing' | 'scratch' | 'signal'>): Promise<ImageDocuments> {
  const removal = decodeTree(store.objects.read(manifest.tree)).find(({ path }) => !isLayerName(path));
  if (removal !== undefined) {
    throw new VoltError('INVALID_CONFIG', `'${shown(removal.path)}' would be taken for a removal by other engines`, {
      hint: 'volt image export --format rootfs keeps it',
    });
  }
  const layer = await packLayer(exportTar({ store, tree: manifest.tree, signal }), packing, join(scratch, 'layer'));
  const { config, platform = platformOf(process.arch), createdAt, history = [], origin } = manifest;
  return documentsOf(layer, { config, platform, createdAt: origin?.builtAt ?? createdAt, history });
}

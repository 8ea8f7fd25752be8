/** The last steps of everything that makes an image. */
import type { ImageConfig, ImageOverrides, ImageSummary } from '@volt/shared/model';
import { type OpenImage, parsePlatform, platformOf, type WantedPlatform } from '../oci/index.ts';
import { type Hold, type Ingest, type Store, withFsErrors } from '../store/index.ts';
import type { ImportedTree } from './import-tar.ts';
import { encodeManifest, type ImageManifest } from './manifest.ts';
import { type ImageNames, summary } from './names.ts';
import { type Reference, spellReference } from './reference.ts';

/** What becomes an image once it has a name. */
export type Made = Pick<ImageManifest, 'config' | 'platform' | 'history' | 'origin'> & { readonly tree: ImportedTree };

export interface Publication {
  readonly store: Store;
  readonly names: ImageNames;
  readonly now: () => Date;
  readonly reference: Reference;
  readonly make: (batch: Ingest, hold: Hold) => Promise<Made>;
}

/** Contents, tree and manifest become durable together, and only then does the name point at them. */
export async function publishImage({ store, names, now, reference, make }: Publication): Promise<ImageSummary> {
  return withFsErrors(`Cannot make image '${spellReference(reference)}'`, async () => {
    // Until the name is set: what this relies on is nobody else's to keep.
    using hold = store.holds.open();
    await using batch = store.objects.ingest({ hold });
    const { tree, config, ...known } = await make(batch, hold);
    const { digest: treeDigest, sizeBytes, files } = tree;
    const kind = 'volt.image.v1' as const;
    const manifest = { kind, tree: treeDigest, config, createdAt: now().toISOString(), sizeBytes, files, ...known };
    const digest = await batch.putBytes(encodeManifest(manifest));
    await batch.commit();
    await names.set(reference, digest);
    return summary(reference, digest, manifest);
  });
}

export const wantedPlatform = (asked: string | undefined): WantedPlatform =>
  asked === undefined
    ? { platform: platformOf(process.arch), isAsked: false }
    : { platform: parsePlatform(asked), isAsked: true };

interface FromElsewhere {
  readonly tree: ImportedTree;
  readonly image: OpenImage;
  readonly format: 'oci' | 'docker' | 'registry';
  readonly config: ImageOverrides;
}

export function madeOf({ tree, image, format, config }: FromElsewhere): Made {
  const { platform, history, digest, reference, builtAt } = image;
  return {
    tree,
    config: { ...image.config, ...given(config) },
    platform: { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? undefined },
    history: history.length === 0 ? undefined : [...history],
    origin: { format, digest, reference, builtAt },
  };
}

/** Without what is absent in all but name. */
const given = (config: ImageOverrides): Partial<ImageConfig> =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));

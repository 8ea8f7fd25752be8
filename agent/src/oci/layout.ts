/** An OCI image layout in an archive: `oci-layout`, `index.json`, `blobs/sha256/…`. */
import { VoltError } from '@volt/shared/errors';
import { parseIndex } from './documents.ts';
import { openImage, type BlobSource, type OpenImage, type WantedPlatform } from './open-image.ts';
import { choosePlatform } from './platform.ts';
import type { Descriptor } from './schemas.ts';
import type { Spool } from './spool.ts';

export const LAYOUT_MARK = 'oci-layout';
const INDEX = 'index.json';

export interface Choice {
  /** Which of several images, by the name or digest it has there. */
  readonly ref: string | undefined;
  readonly wanted: WantedPlatform;
}

export async function openLayout(spool: Spool, choice: Choice, signal: AbortSignal): Promise<OpenImage> {
  const { manifests } = parseIndex(await spool.document(INDEX));
  const root = choosePlatform(namedOnes(manifests, choice.ref), choice.wanted.platform);
  const source: BlobSource = {
    document: ({ digest }) => spool.document(blobName(digest)),
    layer: ({ digest }) => spool.open(blobName(digest)),
  };
  return openImage({ source, root, reference: namesOf(root)[0], wanted: choice.wanted, signal });
}

const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Docker and containerd write the whole reference, everybody else the tag or whatever was asked for. */
const namesOf = ({ annotations }: Descriptor): string[] =>
  [annotations?.['io.containerd.image.name'], annotations?.['org.opencontainers.image.ref.name']].filter(
    (name) => name !== undefined,
  );

function namedOnes(manifests: readonly Descriptor[], ref: string | undefined): Descriptor[] {
  const names = [...new Set(manifests.flatMap((entry) => namesOf(entry).slice(0, 1)))];
  if (ref !== undefined) {
    const named = manifests.filter((entry) => namesOf(entry).includes(ref) || entry.digest === ref);
    if (named.length > 0) return named;
    throw new VoltError('NOT_FOUND', `There is no '${ref}' in the archive`, { hint: hintOf(names) });
  }
  if (manifests.length === 0) throw new VoltError('INVALID_CONFIG', 'Bad image archive: there is no image in it');
  if (names.length > 1) {
    throw new VoltError('USAGE', `There are ${names.length} images in the archive`, { hint: hintOf(names) });
  }
  return [...manifests];
}

export const hintOf = (names: readonly string[]): string | undefined =>
  names.length === 0 ? undefined : `choose one with --ref: ${names.slice(0, 12).join(', ')}`;

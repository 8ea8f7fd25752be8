/** What `docker save` and `skopeo copy docker-archive:` write: `manifest.json`, a configuration and layers. */
import { VoltError } from '@volt/shared/errors';
import { type OciDigest, ociDigestOf } from './digest.ts';
import { parseConfig, parseDockerArchive } from './documents.ts';
import { fromConfigDocument } from './image-config.ts';
import { type Choice, hintOf } from './layout.ts';
import { type OpenImage, type OpenLayer, warningsOf } from './open-image.ts';
import type { DockerArchive } from './schemas.ts';
import type { Spool } from './spool.ts';

export const DOCKER_MARK = 'manifest.json';

export async function openDockerArchive(spool: Spool, { ref, wanted }: Choice): Promise<OpenImage> {
  const { Config, RepoTags, Layers } = theOne(parseDockerArchive(await spool.document(DOCKER_MARK)), ref);
  const bytes = await spool.document(Config);
  const document = parseConfig(bytes);
  const { diff_ids: diffIds } = document.rootfs;
  if (diffIds.length !== Layers.length) {
    throw new VoltError(
      'INVALID_CONFIG',
      `Bad image archive: ${Layers.length} layers are listed, and its configuration has ${diffIds.length}`,
    );
  }
  // Nothing here says what a layer is before it is unpacked; the digest after that is checked by who reads it.
  const layers = Layers.map((name, index): OpenLayer => {
    return { diffId: diffIds[index] as OciDigest, sizeBytes: spool.sizeOf(name), open: () => spool.open(name) };
  });
  const known = fromConfigDocument(document);
  return { ...known, left: warningsOf(known, wanted), digest: ociDigestOf(bytes), reference: RepoTags?.[0], layers };
}

function theOne(images: DockerArchive, ref: string | undefined): DockerArchive[number] {
  const names = images.flatMap(({ RepoTags }) => RepoTags ?? []);
  const found = ref === undefined ? images : images.filter(({ RepoTags }) => RepoTags?.includes(ref));
  const [first, ...others] = found;
  if (first === undefined) {
    if (ref === undefined) throw new VoltError('INVALID_CONFIG', 'Bad image archive: there is no image in it');
    throw new VoltError('NOT_FOUND', `There is no '${ref}' in the archive`, { hint: hintOf(names) });
  }
  if (others.length === 0) return first;
  throw new VoltError('USAGE', `There are ${found.length} images in the archive`, { hint: hintOf(names) });
}

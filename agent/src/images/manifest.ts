/**
 * The image manifest: what a name of an image points at. One line of JSON,
 * keys in the order below, itself an object of the store. From it everything
 * of the image is reached: manifest → tree → contents.
 */
import { VoltError } from '@volt/shared/errors';
import { ImageConfig, ImageOrigin, ImagePlatform, ImageStep } from '@volt/shared/model';
import * as z from 'zod';
import { type Digest, isDigest } from '../store/index.ts';

const DigestField = z.string().refine(isDigest, 'not a digest');

/** Keys that are unknown are ignored, so that what a later version adds does not stop this one. */
const ImageManifest = z.object({
  kind: z.literal('volt.image.v1'),
  tree: DigestField,
  config: ImageConfig,
  createdAt: z.iso.datetime(),
  sizeBytes: z.int().min(0),
  files: z.int().min(0),
  platform: ImagePlatform.optional(),
  history: z.array(ImageStep).optional(),
  origin: ImageOrigin.optional(),
});
export type ImageManifest = z.output<typeof ImageManifest>;

export const encodeManifest = (manifest: ImageManifest): Buffer =>
  Buffer.from(`${JSON.stringify(ImageManifest.parse(manifest))}\n`);

export function decodeManifest(bytes: Buffer, digest: Digest): ImageManifest {
  try {
    return ImageManifest.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new VoltError('INVALID_CONFIG', `Object ${digest} is not an image manifest`, { cause });
  }
}

/** Digests as OCI spells them: `sha256:<hex>`. */
import { createHash } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';

/** `sha256:` and 64 digits, or `sha512:` and 128. */
export type OciDigest = string;

const pattern = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export const isOciDigest = (text: string): boolean => pattern.test(text);

export const ociDigestOf = (bytes: Uint8Array): OciDigest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Whether bytes that are all there have this digest. */
export function hasDigest(bytes: Uint8Array, digest: OciDigest): boolean {
  const hash = startOciHash(digest);
  hash.update(bytes);
  return hash.isMatch();
}

export interface OciHash {
  update(bytes: Uint8Array): void;
  /** Once. */
  isMatch(): boolean;
}

/** For bytes that come in parts and should have this digest. */
export function startOciHash(digest: OciDigest): OciHash {
  const [algorithm = '', hex = ''] = digest.split(':');
  if (!isOciDigest(digest)) throw new VoltError('INVALID_CONFIG', `'${digest.slice(0, 80)}' is not a digest`);
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), isMatch: () => hash.digest('hex') === hex };
}

/** The same chunks. Throws INVALID_CONFIG at their end unless they have this digest, and this size if one is given. */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  expected: { readonly digest: OciDigest; readonly size?: number | undefined },
): AsyncGenerator<Uint8Array> {
  const hash = startOciHash(expected.digest);
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.byteLength;
    if (expected.size !== undefined && sizeBytes > expected.size) throw wrong(expected.digest);
    hash.update(chunk);
    yield chunk;
  }
  if ((expected.size !== undefined && sizeBytes !== expected.size) || !hash.isMatch()) throw wrong(expected.digest);
}

const wrong = (digest: OciDigest): VoltError =>
  new VoltError('INVALID_CONFIG', `Bad image: what should be ${digest} is something else`);

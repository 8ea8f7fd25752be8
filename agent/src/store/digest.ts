import { VoltError } from '@volt/shared/errors';

/** The BLAKE3 hash of some bytes, as 64 lower-case hex digits: the name of an object. */
export type Digest = string;

export const DIGEST_BYTES = 32;

const pattern = /^[0-9a-f]{64}$/;

export const isDigest = (text: unknown): boolean => typeof text === 'string' && pattern.test(text);

/** Refuses anything that is not a digest before it can become part of a path. */
export function checkDigest(text: string): Digest {
  if (!isDigest(text)) throw new VoltError('USAGE', `'${text.slice(0, 80)}' is not a digest`);
  return text;
}

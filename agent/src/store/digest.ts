import { VoltError } from '@volt/shared/errors';

/**
 * The hash of some bytes, as lower-case hex digits: the name of an object. 64
 * digits are BLAKE3 or SHA-256, 128 are SHA-512; which of the two the former
 * is, only its object can tell.
 */
export type Digest = string;

export const SHA512_CHARS = 128;

const pattern = /^(?:[0-9a-f]{64}|[0-9a-f]{128})$/;

export const isDigest = (text: unknown): text is Digest => typeof text === 'string' && pattern.test(text);

/** Refuses anything that is not a digest before it can become part of a path. */
export function checkDigest(text: string): Digest {
  if (!pattern.test(text)) throw new VoltError('USAGE', `'${text.slice(0, 80)}' is not a digest`);
  return text;
}

/** By which algorithm an object is named, and whether it is what it should be. */
import { open } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import { type Digest, SHA512_CHARS } from './digest.ts';
import type { Algorithm, Hasher } from './hash.ts';

export type Digests = Readonly<Partial<Record<Algorithm, Digest>>>;

interface Naming {
  readonly algorithm?: Algorithm | undefined;
  readonly expected?: Digest | { readonly algorithm: Algorithm; readonly digest: Digest } | undefined;
  readonly also?: readonly Algorithm[] | undefined;
}

const READ_BYTES = 1024 * 1024;

/** What a name may be the hash of, the likely one first: 64 digits do not tell. */
export const algorithmsOf = (digest: Digest): readonly Algorithm[] =>
  digest.length === SHA512_CHARS ? ['sha512'] : ['blake3', 'sha256'];

/** What to compute while contents go by. Another one is seldom needed, and then they are read again. */
export function likelyAlgorithms({ algorithm, expected, also = [] }: Naming): readonly Algorithm[] {
  const checked = typeof expected === 'string' ? algorithmsOf(expected)[0] : expected?.algorithm;
  return [...new Set([algorithm ?? checked ?? 'blake3', checked ?? algorithm ?? 'blake3', ...also])];
}

/** The algorithm that names these contents. Throws NETWORK unless they are what is expected. */
export async function checkExpected(
  { algorithm, expected }: Naming,
  digestBy: (algorithm: Algorithm) => Promise<Digest>,
): Promise<Algorithm> {
  if (expected === undefined) return algorithm ?? 'blake3';
  const digest = typeof expected === 'string' ? expected : expected.digest;
  const possible = typeof expected === 'string' ? algorithmsOf(expected) : [expected.algorithm];
  for (const one of possible) if ((await digestBy(one)) === digest) return algorithm ?? one;
  throw new VoltError('NETWORK', `Object ${digest} arrived damaged`);
}

/** Of a file of our own. Ends the hasher. */
export async function digestOfFile(path: string, hasher: Hasher): Promise<Digest> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return hasher.end();
      hasher.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
    hasher.dispose();
  }
}

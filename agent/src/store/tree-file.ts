/**
 * One file of a tree, read from the store. Lowers do not serve for that: a
 * redirect tree has no contents, and a symbolic link of an image could lead
 * out of one.
 */
import type { Digest } from './digest.ts';
import type { Objects } from './objects.ts';

const NEWLINE = 0x0a;

interface Line {
  readonly type: string;
  readonly target?: string;
  readonly digest?: Digest;
  readonly sizeBytes?: number;
}

/**
 * The contents of the plain file of this path, which is ASCII. Undefined where
 * the tree has none or a larger one; symbolic links are not followed.
 */
export function readTreeFile(objects: Objects, tree: Digest, path: string, bytesMax: number): Buffer | undefined {
  const encoded = objects.read(tree);
  const named = lineOf(encoded, path);
  const line = named?.type === 'hardlink' && named.target !== undefined ? lineOf(encoded, named.target) : named;
  if (line?.type !== 'file' || line.digest === undefined || (line.sizeBytes ?? 0) > bytesMax) return undefined;
  return objects.read(line.digest);
}

/** Found without decoding the others: there is one spelling for an entry, and it begins with the path. */
function lineOf(encoded: Buffer, path: string): Line | undefined {
  const start = encoded.indexOf(`\n{"path":${JSON.stringify(path)},"type":`);
  if (start === -1) return undefined;
  return JSON.parse(encoded.toString('utf8', start + 1, encoded.indexOf(NEWLINE, start + 1))) as Line;
}

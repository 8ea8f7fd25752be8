/**
 * Which requests of the nodes the gateway forwards, and where to. It is not a
 * proxy: it knows two trees of one distribution and nothing else.
 */
import type { Mirrors } from '../apt-sources.ts';

/** Where to get a path, and whether its content can never change. */
export interface Source {
  readonly url: string;
  readonly isImmutable: boolean;
}

const PATH_LENGTH_MAX = 1024;
// Package names and versions need these and no others; '..' is refused below.
const PATH = /^\/(debian|debian-security)\/([A-Za-z0-9+._~:%@/-]+)$/;

/** Undefined for everything that is not a plain path below the two trees. */
export function sourceOf(path: string, mirrors: Mirrors): Source | undefined {
  if (path.length > PATH_LENGTH_MAX) return undefined;
  const [, tree, rest = ''] = PATH.exec(path) ?? [];
  if (tree === undefined || rest.split('/').some(climbs)) return undefined;
  const origin = tree === 'debian' ? mirrors.debian : mirrors.security;
  return { url: `${origin}/${rest}`, isImmutable: isImmutable(rest) };
}

function climbs(segment: string): boolean {
  const plain = decode(segment);
  return plain === undefined || plain === '.' || plain === '..' || plain.includes('/');
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** A package file's name carries its version, a by-hash file's name its content. */
function isImmutable(rest: string): boolean {
  return /^pool\/.+\.deb$/.test(rest) || /\/by-hash\/SHA(256|512)\/[0-9a-f]+$/.test(rest);
}

/** Which of several machines an image is made for. Pure. */
import { VoltError } from '@volt/shared/errors';
import type { Descriptor, Platform } from './schemas.ts';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** What runs on a machine that Node calls `arch`. */
export const platformOf = (arch: string): { os: string; architecture: string } => ({
  os: 'linux',
  architecture: architectures[arch] ?? arch,
});

/** `linux/arm64` or `linux/arm/v7`. Throws USAGE for anything else. */
export function parsePlatform(text: string): Platform {
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? [];
  if (os === undefined || architecture === undefined) {
    throw new VoltError('USAGE', `'${text.slice(0, 80)}' is not a platform`, { hint: 'for example linux/arm64' });
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

export const spellPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** Whether what is made for `made` runs on `wanted`. */
export function fits(made: Platform, wanted: Platform): boolean {
  if (made.os !== wanted.os || made.architecture !== wanted.architecture) return false;
  return !wanted.variant || !made.variant || made.variant === wanted.variant;
}

/** The one for this platform. What is not for any platform, such as a signature, is left aside. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter((entry) => !isAttachment(entry));
  const [first] = images;
  if (first !== undefined && images.length === 1 && !first.platform) return first;
  const fitting = images.filter(({ platform }) => platform && fits(platform, wanted));
  const best = fitting.find(({ platform }) => (platform?.variant ?? '') === (wanted.variant ?? '')) ?? fitting[0];
  if (best !== undefined) return best;
  const others = [...new Set(images.flatMap(({ platform }) => (platform ? [spellPlatform(platform)] : [])))];
  throw new VoltError('NOT_FOUND', `The image is not made for ${spellPlatform(wanted)}`, {
    hint: others.length === 0 ? undefined : `it is for ${others.slice(0, 12).join(', ')}`,
  });
}

function isAttachment({ platform, annotations }: Descriptor): boolean {
  return platform?.os === 'unknown' || annotations?.['vnd.docker.reference.type'] !== undefined;
}

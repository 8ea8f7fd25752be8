/** Names of images in registries: `ghcr.io/org/app:1.2`, `registry:5000/app@sha256:…`. Pure. */
import { VoltError } from '@volt/shared/errors';
import { isOciDigest, type OciDigest } from './digest.ts';

export interface RemoteReference {
  /** With a port where one was given, such as `ghcr.io` or `localhost:5000`. */
  readonly host: string;
  /** Such as `org/app`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** Wins over the tag. */
  readonly digest: OciDigest | undefined;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const REPOSITORY_CHARS_MAX = 255;

const DOCKER_HUB = 'docker.io';

/** Whether a name says which registry it is in. One without, such as `web:1`, is one of the cluster. */
export function isRemote(text: string): boolean {
  const [first = '', ...rest] = withoutScheme(text).split('/');
  return rest.length > 0 && (first === 'localhost' || /[.:]/.test(first));
}

/** Throws USAGE for anything that is not such a name. */
export function parseRemote(text: string): RemoteReference {
  const [, name = '', tag, digest] = /^([^@]*?)(?::([^:@/]*))?(?:@(.*))?$/.exec(withoutScheme(text)) ?? [];
  const slash = name.indexOf('/');
  const host = name.slice(0, Math.max(slash, 0));
  const path = name.slice(slash + 1);
  const parts = path.split('/');
  const isName = HOST.test(host) && path.length <= REPOSITORY_CHARS_MAX && parts.every((part) => PART.test(part));
  if (!isName || (tag !== undefined && !TAG.test(tag)) || (digest !== undefined && !isOciDigest(digest))) {
    throw new VoltError('USAGE', `'${text.slice(0, 120)}' is no image of a registry`, {
      hint: 'it must look like registry.example.org/org/app:1.2',
    });
  }
  // What Docker calls official images have no owner in their names.
  const repository = host === DOCKER_HUB && parts.length === 1 ? `library/${path}` : path;
  return { host, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** Where the registry of a host answers. */
export const apiHostOf = (host: string): string => (host === DOCKER_HUB ? 'registry-1.docker.io' : host);

/** `app:1.2` for `ghcr.io/org/app:1.2`. */
export function localNameOf({ repository, tag }: RemoteReference): string {
  return `${repository.slice(repository.lastIndexOf('/') + 1)}:${tag ?? 'latest'}`;
}

export function spellRemote({ host, repository, tag, digest }: RemoteReference): string {
  const after = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${host}/${repository}${after}`;
}

/** As other tools write it. */
const withoutScheme = (text: string): string => text.replace(/^docker:\/\//, '');

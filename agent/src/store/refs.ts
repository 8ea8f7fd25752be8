/** Names for manifests: `refs/<kind>/<name>/<tag>`, each a file that holds one digest. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type Digest, checkDigest, isDigest } from './digest.ts';
import { fsyncFolder, replaceFile, uniqueName } from './durable.ts';
import { errnoOf, withFsErrors } from './fs-errors.ts';
import type { Layout } from './layout.ts';

export interface Ref {
  readonly name: string;
  readonly tag: string;
  readonly digest: Digest;
}

export const REF_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** As in the OCI distribution specification. */
export const REF_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

export class Refs {
  readonly #layout: Layout;
  readonly #folder: string;

  constructor(layout: Layout, kind: 'images' | 'manifests' | 'pins') {
    this.#layout = layout;
    this.#folder = join(layout.refs, kind);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** Undefined where there is no such name. */
  get(name: string, tag: string): Digest | undefined {
    checkRef(name, tag);
    let text: string;
    try {
      text = readFileSync(join(this.#folder, name, tag), 'utf8').trim();
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
    if (!isDigest(text)) throw new VoltError('DEPENDENCY', `The name ${name}:${tag} is damaged: it holds no digest`);
    return text;
  }

  /** Points the name at the digest, in one step: readers see the old one or the new one. */
  async set(name: string, tag: string, digest: Digest): Promise<void> {
    checkRef(name, tag);
    checkDigest(digest);
    await withFsErrors(`Cannot name ${name}:${tag}`, async () => {
      const folder = join(this.#folder, name);
      if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) fsyncFolder(this.#folder);
      replaceFile(join(folder, tag), `${digest}\n`, uniqueName(this.#layout.tmp, 'ref'));
    });
  }

  /** Says whether the name was there. What it pointed at stays. */
  delete(name: string, tag: string): boolean {
    checkRef(name, tag);
    const folder = join(this.#folder, name);
    try {
      rmSync(join(folder, tag));
      fsyncFolder(folder);
    } catch (thrown) {
      if (isAbsent(thrown)) return false;
      throw thrown;
    }
    try {
      rmdirSync(folder);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOTEMPTY') throw thrown;
    }
    return true;
  }

  /** Sorted by name, then tag. */
  list(): Ref[] {
    const refs: Ref[] = [];
    for (const name of readdirSync(this.#folder).toSorted()) {
      for (const tag of readdirSync(join(this.#folder, name)).toSorted()) {
        const digest = this.get(name, tag);
        if (digest !== undefined) refs.push({ name, tag, digest });
      }
    }
    return refs;
  }
}

/** Any name there is, of whatever kind. */
export interface NamedRef {
  /** Folder below `refs/`: images, manifests, pins. */
  readonly kind: string;
  /** `name:tag`. */
  readonly name: string;
  /** Undefined where the file holds none: the name is damaged. */
  readonly digest: Digest | undefined;
}

/**
 * Every name, also of kinds that this program does not know: who collects
 * garbage must not take what some other version of it relies on.
 */
export function everyRef(layout: Layout): NamedRef[] {
  const found: NamedRef[] = [];
  for (const file of readdirSync(layout.refs, { recursive: true, withFileTypes: true })) {
    if (file.isDirectory()) continue;
    const path = join(file.parentPath, file.name);
    const [kind = '', ...rest] = relative(layout.refs, path).split(sep);
    const name = rest.length === 2 ? rest.join(':') : rest.join('/');
    const text = file.isFile() ? readIfThere(path) : '';
    if (text !== undefined) found.push({ kind, name, digest: isDigest(text.trim()) ? text.trim() : undefined });
  }
  return found.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name));
}

/** Undefined for a name that was deleted meanwhile. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Before either becomes part of a path. */
export function checkRef(name: string, tag: string): void {
  if (!REF_NAME.test(name)) throw new VoltError('USAGE', `'${name.slice(0, 80)}' is not a valid name`);
  if (!REF_TAG.test(tag)) throw new VoltError('USAGE', `'${tag.slice(0, 80)}' is not a valid tag`);
}

const isAbsent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '');

/** Names for manifests: `refs/<kind>/<name>/<tag>`, each a file that holds one digest. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

/** Before either becomes part of a path. */
export function checkRef(name: string, tag: string): void {
  if (!REF_NAME.test(name)) throw new VoltError('USAGE', `'${name.slice(0, 80)}' is not a valid name`);
  if (!REF_TAG.test(tag)) throw new VoltError('USAGE', `'${tag.slice(0, 80)}' is not a valid tag`);
}

const isAbsent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '');

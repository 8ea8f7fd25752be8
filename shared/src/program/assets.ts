/**
 * Files that travel with the program: scripts and units it installs.
 *
 * They lie in `assets/` folders beside the code that owns them. The single
 * binary carries all of them, so nothing needs to be installed next to it.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';

const sourceTop = resolve(import.meta.dirname, '../../..');

/** Whether this is the built `volt` and not the source tree run by Node. */
export const isSingleBinary: boolean = isSea();

/**
 * The content of one asset, by its path from the top of the source tree, for
 * example `agent/src/engine/assets/prepare.sh`. Undefined if there is none.
 * Do not write to it: in the binary it is the program's own memory.
 */
export function asset(name: string): Buffer | undefined {
  return isSingleBinary ? embedded(name) : sourceAsset(sourceTop, name);
}

function embedded(name: string): Buffer | undefined {
  try {
    return Buffer.from(getRawAsset(name));
  } catch {
    return undefined;
  }
}

/** Exported for its test. The binary holds nothing but assets, so the source tree must not be more generous. */
export function sourceAsset(top: string, name: string): Buffer | undefined {
  const folders = name.split('/');
  const isAsset = folders.includes('assets') && !folders.includes('..') && relative(top, resolve(top, name)) === name;
  if (!isAsset) return undefined;
  try {
    return readFileSync(join(top, name));
  } catch {
    return undefined;
  }
}

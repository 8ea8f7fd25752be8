/**
 * Goes through a folder of the host, parents before children. Names are bytes;
 * links are reported and never followed; other file systems that are mounted
 * below are not entered. What goes away meanwhile is left out.
 */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { type ByteString, fsPath } from '../store/index.ts';

export interface Found {
  /** Below the root, which is ''. */
  readonly path: ByteString;
  /** For calls of the file system. */
  readonly at: string | Buffer;
  readonly stats: BigIntStats;
}

export function* walk(root: string): Generator<Found> {
  const top = look('', root);
  if (top === undefined) return;
  yield top;
  const folders = [top];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(folder.at)) {
      const path = folder.path === '' ? name : `${folder.path}/${name}`;
      const found = look(path, fsPath(root, path));
      if (found === undefined) continue;
      yield found;
      if (found.stats.isDirectory() && found.stats.dev === top.stats.dev) folders.push(found);
    }
  }
}

/** Undefined where it is gone. */
export function look(path: ByteString, at: string | Buffer): Found | undefined {
  const stats = lstatSync(at, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : { path, at, stats };
}

function namesIn(folder: string | Buffer): ByteString[] {
  try {
    return readdirSync(folder, { encoding: 'latin1' });
  } catch (thrown) {
    if (isGone(thrown)) return [];
    throw thrown;
  }
}

export const isGone = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && ['ENOENT', 'ENOTDIR'].includes(String(thrown.code));

/** Whether it is not what it was when it was looked at: a link became a file, for example. */
export const hasChanged = (thrown: unknown): boolean =>
  isGone(thrown) || (thrown instanceof Error && 'code' in thrown && thrown.code === 'EINVAL');

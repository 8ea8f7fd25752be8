/**
 * The three ways to lay out a lower, and how one is written down beside it.
 *
 * `images/<tree>/way` holds one line: the way, and for a redirect tree the
 * folder of objects that it needs as well. Whoever mounts the lower goes by
 * this line: the agent may be away, or have chosen another way since. A lower
 * without the file is of hard links.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDigest } from './digest.ts';
import { errnoOf } from './fs-errors.ts';

/**
 * - `redirect`: empty files with the metadata, which lead the overlay to the objects
 * - `hardlink`: hard links to objects, and copies where metadata differ
 * - `copy`: reflinks where the file system has them, else copies
 */
export type LowerWay = 'redirect' | 'hardlink' | 'copy';

export interface LowerRecord {
  readonly way: LowerWay;
  /** Where the contents are; empty where the lower has them itself. */
  readonly objects: string;
}

export function writeRecord(folder: string, { way, objects }: LowerRecord): void {
  const line = way === 'redirect' ? `${way} ${objects}\n` : `${way}\n`;
  writeFileSync(join(folder, 'way'), line, { mode: 0o600, flag: 'wx' });
}

export function readRecord(folder: string): LowerRecord {
  const [way = '', ...objects] = readOr(join(folder, 'way'), 'hardlink').trimEnd().split(' ');
  if (way === 'redirect') return { way, objects: objects.join(' ') };
  return { way: way === 'copy' ? way : 'hardlink', objects: '' };
}

/** Whether there is a redirect tree among the lowers in this folder. */
export const hasRedirects = (images: string): boolean =>
  readdirSync(images).some((name) => isDigest(name) && readRecord(join(images, name)).way === 'redirect');

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return otherwise;
    throw thrown;
  }
}

/** Remembers what a build was made from, so that an unchanged tree builds nothing. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

interface Stamp {
  readonly digest: string;
  readonly inputs: readonly string[];
}

/** Whether the inputs of the last build, and the facts beside them, are still the same. */
export function isFresh(stampFile: string, facts: readonly string[]): boolean {
  const stamp = readStamp(stampFile);
  return stamp !== undefined && stamp.digest === digest(stamp.inputs, facts);
}

export function writeStamp(stampFile: string, inputs: readonly string[], facts: readonly string[]): void {
  const stamp: Stamp = { digest: digest(inputs, facts), inputs };
  writeFileSync(stampFile, JSON.stringify(stamp));
}

function readStamp(stampFile: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}

/** By content: a checkout or a copied tree changes every time stamp and nothing else. */
function digest(inputs: readonly string[], facts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const path of inputs) hash.update(`\0${path}\0`).update(content(path));
  return hash.digest('hex');
}

function content(path: string): Buffer | string {
  try {
    return readFileSync(path);
  } catch {
    return 'absent';
  }
}

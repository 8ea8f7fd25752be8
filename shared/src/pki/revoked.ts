/**
 * Keys of nodes that were taken out of the cluster: their certificates are
 * good for months still. Each member keeps the list in a file, so that it
 * holds while the cluster's state is away.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { keyFingerprint } from './certificates.ts';
import { CLUSTER_DIR, clusterPath } from './identity.ts';
import type { KeyObject } from 'node:crypto';

const Keys = z.array(z.string()).catch([]);

export class RevokedKeys {
  #keys: ReadonlySet<string> = new Set();

  has(publicKey: KeyObject): boolean {
    return this.#keys.size > 0 && this.#keys.has(keyFingerprint(publicKey));
  }

  replace(keys: readonly string[]): void {
    this.#keys = new Set(keys);
  }

  /** What was kept last. A list that cannot be read is made again as soon as the cluster answers. */
  static async load(dir: string = CLUSTER_DIR): Promise<RevokedKeys> {
    const revoked = new RevokedKeys();
    revoked.replace(readRevoked(await readFile(clusterPath('revoked', dir), 'utf8').catch(() => '[]')));
    return revoked;
  }
}

export const writeRevoked = (keys: readonly string[]): string => `${JSON.stringify(keys.toSorted(), null, 2)}\n`;

function readRevoked(text: string): readonly string[] {
  try {
    return Keys.parse(JSON.parse(text));
  } catch {
    return [];
  }
}

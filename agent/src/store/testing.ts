/** For tests: a store in a folder of its own, with the real disk and the real programs below it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { kernelSpecialFiles, NodePrograms } from '../host/index.ts';
import type { Inode } from './tree.ts';
import { openStore, type Store, type StoreOptions } from './store.ts';

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volt-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TempStore extends Store {
  readonly folder: string;
}

/**
 * A second call with the same folder is the next start of the agent. Lowers are of hard links unless a test asks for
 * another way, so that contents can be read from them without a mount.
 */
export async function tempStore(folder = tempFolder(), more: Partial<StoreOptions> = {}): Promise<TempStore> {
  const options = { programs: new NodePrograms(), specials: kernelSpecialFiles, lowers: 'hardlink', ...more } as const;
  const store = await openStore({ root: join(folder, 'cas'), images: join(folder, 'images'), ...options });
  return { ...store, folder };
}

/** What staging holds: nothing, unless something is under way or was left behind. */
export const unfinished = (store: TempStore): string[] => [
  ...readdirSync(join(store.folder, 'cas/tmp')),
  ...readdirSync(join(store.folder, 'images')).filter((name) => name.startsWith('.')),
];

const plain = { uid: 0, gid: 0, mtime: '1700000000' };

export const folderInode = (mode = 0o755): Inode => ({ type: 'dir', ...plain, mode });

export async function fileInode(store: Store, text: string, metadata: Partial<Inode> = {}): Promise<Inode> {
  const digest = await store.objects.put(Buffer.from(text));
  return { ...plain, mode: 0o644, ...metadata, type: 'file', sizeBytes: Buffer.byteLength(text), digest };
}

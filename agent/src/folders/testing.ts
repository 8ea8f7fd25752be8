/** For tests: a folder with one of everything that a tree can hold. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { kernelXattrs } from '../host/index.ts';
import type { Store } from '../store/index.ts';
import { tempFolder } from '../store/testing.ts';
import { type FolderIngest, ingestFolder, type IngestedFolder } from './index.ts';

export const OLD = new Date('2020-01-02T03:04:05.500Z');

export function sampleFolder(): string {
  const root = join(tempFolder(), 'root');
  fs.mkdirSync(join(root, 'bin'), { recursive: true });
  fs.writeFileSync(join(root, 'bin/tool'), 'a tool', { mode: 0o755 });
  fs.chmodSync(join(root, 'bin/tool'), 0o4755);
  fs.linkSync(join(root, 'bin/tool'), join(root, 'bin/alias'));
  fs.symlinkSync('../nowhere', join(root, 'bin/link'));
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0x0a])]), 'odd name');
  fs.writeFileSync(join(root, 'copy'), 'a tool');
  fs.writeFileSync(join(root, 'empty'), '');
  fs.writeFileSync(join(root, 'large'), Buffer.alloc(3 * 1024 * 1024, 'large'));
  execFileSync('mkfifo', [join(root, 'fifo')]);
  fs.utimesSync(join(root, 'copy'), OLD, OLD);
  return root;
}

export async function ingested(
  store: Store & { readonly folder: string },
  root: string,
  more: Partial<FolderIngest> = {},
): Promise<IngestedFolder> {
  using hold = store.holds.open();
  const { signal } = new AbortController();
  const cache = join(store.folder, 'cache');
  return await ingestFolder({ root, store, hold, xattrs: kernelXattrs, cache, signal, ...more });
}

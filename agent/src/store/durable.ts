/** What it takes for a file to still be there, whole, after a power loss. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { forEachBounded } from './bounded.ts';
import type { Programs } from '../host/index.ts';

/** Beyond this, one flush of the whole file system is faster than one of each file: 33 against 250 ms for 3000. */
const FILES_FLUSHED_ONE_BY_ONE_MAX = 64;
const FLUSHES_AT_ONCE = 16;
/** What others wrote to the same disk is flushed along. */
const FLUSH_TIMEOUT_MS = 600_000;

/** Makes the names in a folder durable. */
export function fsyncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function fsyncPaths(paths: readonly string[]): Promise<void> {
  await forEachBounded(paths, FLUSHES_AT_ONCE, async (path) => {
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Makes the contents of files in one folder durable, by whichever way is faster for their number. */
export async function flushFiles(folder: string, files: readonly string[], programs: Programs): Promise<void> {
  if (files.length <= FILES_FLUSHED_ONE_BY_ONE_MAX) return fsyncPaths(files);
  await flushFileSystem(folder, programs);
}

/** syncfs(2), which Node does not offer. */
export async function flushFileSystem(folder: string, programs: Programs): Promise<void> {
  const options = { signal: new AbortController().signal, timeoutMs: FLUSH_TIMEOUT_MS };
  const { code, stderr } = await programs.run(['sync', '-f', folder], options);
  if (code !== 0) throw new VoltError('RESOURCE', `Cannot flush ${folder} to disk: ${stderr.trim()}`);
}

/** Replaces a small file: afterwards either the old or the new contents are there, never a mixture. */
export function replaceFile(path: string, contents: string, staging: string): void {
  try {
    writeFileSync(staging, contents, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(staging, path);
  } catch (thrown) {
    rmSync(staging, { force: true });
    throw thrown;
  }
  fsyncFolder(dirname(path));
}

let counter = 0;

/** A name no other file of this process has; what an earlier process left is removed when the store opens. */
export const uniqueName = (folder: string, prefix: string): string =>
  join(folder, `${prefix}-${process.pid}-${Date.now().toString(36)}-${(counter++).toString(36)}`);

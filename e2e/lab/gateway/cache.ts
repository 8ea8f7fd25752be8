/**
 * Files that never change, kept on disk by a hash of their address. Bounded:
 * the ones used longest ago go first. A file has its name only once complete.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A trixie image with a desktop is under this; an ordinary lab uses a tenth. */
export const CACHE_BYTES_MAX = 2 * 1024 ** 3;

export interface FileCacheOptions {
  readonly folder: string;
  readonly bytesMax?: number;
  /** Opens the file at its source, or throws. */
  readonly open: (url: string) => Promise<{ body: Readable; length: number | undefined }>;
}

export class FileCache {
  readonly #options: FileCacheOptions;
  /** Three nodes asking for one file cause one download. */
  readonly #running = new Map<string, Promise<string>>();

  constructor(options: FileCacheOptions) {
    this.#options = options;
  }

  /** Path of a local copy, downloaded if there is none. */
  async obtain(url: string): Promise<string> {
    const name = createHash('sha256').update(url).digest('hex');
    const path = join(this.#options.folder, name);
    if ((await stat(path).catch(() => undefined)) !== undefined) {
      await utimes(path, new Date(), new Date()).catch(() => {});
      return path;
    }
    const running = this.#running.get(name) ?? this.#download(url, path).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  async #download(url: string, path: string): Promise<string> {
    const { body, length } = await this.#options.open(url);
    const partial = `${path}.${process.pid}.partial`;
    try {
      await mkdir(this.#options.folder, { recursive: true });
      await pipeline(body, createWriteStream(partial));
      const { size } = await stat(partial);
      if (length !== undefined && size !== length) throw new Error(`${url}: ${size} bytes of ${length} came`);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
    await this.#shrink();
    return path;
  }

  async #shrink(): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.#options.folder)).map(async (name) => {
        const path = join(this.#options.folder, name);
        const found = await stat(path).catch(() => undefined);
        return { path, size: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 };
      }),
    );
    let bytes = files.reduce((sum, file) => sum + file.size, 0);
    for (const file of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= (this.#options.bytesMax ?? CACHE_BYTES_MAX)) return;
      await rm(file.path, { force: true });
      bytes -= file.size;
    }
  }
}

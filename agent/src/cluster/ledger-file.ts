/** The ledger on disk: afterwards the old text is there, or the new, whatever happens in between. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { LedgerFile } from './ports.ts';

export class DiskLedger implements LedgerFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new VoltError('RESOURCE', `Cannot read ${this.#path}`, { cause });
    }
  }

  async write(text: string): Promise<void> {
    const folder = dirname(this.#path);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // One writer, so one fixed name. What a crash left goes first, whoever could read it.
      const staging = join(folder, `${basename(this.#path)}.partial`);
      await rm(staging, { force: true });
      await flush(staging, 'wx', text);
      await rename(staging, this.#path);
      await flush(folder, 'r');
    } catch (cause) {
      throw new VoltError('RESOURCE', `Cannot write ${this.#path}`, { cause });
    }
  }
}

async function flush(path: string, flags: 'wx' | 'r', text?: string): Promise<void> {
  // Assignments carry environments, which carry secrets.
  const file = await open(path, flags, 0o600);
  try {
    if (text !== undefined) await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

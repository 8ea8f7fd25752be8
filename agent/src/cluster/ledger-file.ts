/** The ledger on disk: afterwards the old text is there, or the new, whatever happens in between. */
import { dirname } from 'node:path';
import type { Files } from '../host/index.ts';
import type { LedgerFile } from './ports.ts';

export class DiskLedger implements LedgerFile {
  readonly #files: Pick<Files, 'read' | 'write' | 'makeFolder'>;
  readonly #path: string;

  constructor(files: Pick<Files, 'read' | 'write' | 'makeFolder'>, path: string) {
    this.#files = files;
    this.#path = path;
  }

  read(): Promise<string | undefined> {
    return this.#files.read(this.#path);
  }

  async write(text: string): Promise<void> {
    // Assignments carry environments, which carry secrets.
    await this.#files.makeFolder(dirname(this.#path), { mode: 0o700 });
    await this.#files.write(this.#path, text, { mode: 0o600 });
  }
}

import { VoltError } from '@volt/shared/errors';
import type { Files, FolderOptions, WriteOptions } from './files.ts';

export type Entry =
  | { readonly kind: 'file'; readonly text: string; readonly mode: number }
  | { readonly kind: 'folder'; readonly mode: number; readonly owner: number }
  | { readonly kind: 'link'; readonly target: string };

/** Files in memory. Keeps the files contract. */
export class MemoryFiles implements Files {
  readonly entries = new Map<string, Entry>();
  /** Paths that something is mounted on. */
  readonly mounts = new Set<string>();

  async read(path: string): Promise<string | undefined> {
    const entry = this.entries.get(path);
    return entry?.kind === 'file' ? entry.text : undefined;
  }

  async write(path: string, content: string | Uint8Array, { mode }: WriteOptions): Promise<void> {
    this.#needParent(path);
    const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
    this.entries.set(path, { kind: 'file', text, mode });
  }

  async copy(from: string, to: string, options: Pick<WriteOptions, 'mode'>): Promise<void> {
    const text = await this.read(from);
    if (text === undefined) throw new VoltError('NOT_FOUND', `'${from}': ENOENT`);
    await this.write(to, text, options);
  }

  async list(path: string): Promise<string[]> {
    const inside = [...this.entries.keys()].filter((key) => parentOf(key) === path);
    return inside.map((key) => key.slice(path.length + 1)).sort();
  }

  async exists(path: string): Promise<boolean> {
    return this.entries.has(path);
  }

  async makeFolder(path: string, { mode, owner = 0 }: FolderOptions): Promise<void> {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      if (!this.entries.has(above)) this.entries.set(above, { kind: 'folder', mode, owner: 0 });
    }
    this.entries.set(path, { kind: 'folder', mode, owner });
  }

  async link(target: string, path: string): Promise<void> {
    this.#needParent(path);
    this.entries.set(path, { kind: 'link', target });
  }

  async moveFolder(from: string, to: string): Promise<void> {
    if (this.entries.has(to)) throw new VoltError('CONFLICT', `'${to}' exists`);
    if (!this.entries.has(from)) throw new VoltError('NOT_FOUND', `'${from}': ENOENT`);
    for (const [path, entry] of [...this.entries]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.entries.delete(path);
      this.entries.set(`${to}${path.slice(from.length)}`, entry);
    }
  }

  async remove(path: string): Promise<void> {
    this.entries.delete(path);
  }

  async removeTree(path: string): Promise<void> {
    const mount = [...this.mounts].find((mounted) => parentOf(mounted) === path);
    if (mount !== undefined) throw new VoltError('CONFLICT', `'${mount}' is still mounted`);
    for (const key of [...this.entries.keys()]) {
      if (key === path || key.startsWith(`${path}/`)) this.entries.delete(key);
    }
  }

  #needParent(path: string): void {
    if (this.entries.get(parentOf(path))?.kind !== 'folder') throw new VoltError('NOT_FOUND', `'${path}': ENOENT`);
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

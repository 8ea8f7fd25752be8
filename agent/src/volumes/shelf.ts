/**
 * Where volumes are: `<folder>/<name>/{volume.json,data}`. A volume is there,
 * whole, or not there: it is made beside its place and moved into it, and
 * moved out of it before it is deleted. What begins with a dot is on its way,
 * and is removed when the agent starts.
 *
 * Owners in `data` are those inside: containers see them through a mapping of
 * their own. So the folder above is for root alone, as a program in there that
 * runs as its owner would run as root of the node.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { VolumeName } from '@volt/shared/model';
import type { Programs } from '../host/index.ts';
import { uniqueName } from '../store/index.ts';
import { withFsErrors } from './fs-errors.ts';
import { VolumeRecord } from './record.ts';

/** Removing and flushing take as long as there are files. */
const SLOW_MS = 30 * 60_000;

export class Shelf {
  readonly folder: string;
  readonly #programs: Programs;
  readonly #records = new Map<string, VolumeRecord>();

  constructor(folder: string, programs: Programs) {
    this.folder = folder;
    this.#programs = programs;
  }

  /** Reads all. A record that cannot be understood is INVALID_CONFIG: going on could lose what it stands for. */
  async load(): Promise<void> {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o711 });
    this.#records.clear();
    for (const name of fs.readdirSync(this.folder)) {
      if (name.startsWith('.new-') || name.startsWith('.deleted-')) await this.clear(join(this.folder, name));
      if (!VolumeName.safeParse(name).success) continue;
      const record = readRecord(join(this.folder, name, 'volume.json'));
      // A folder of somebody else's. Its name is taken, and that is all.
      if (record === undefined) continue;
      this.#records.set(name, { ...record, name });
      await this.clear(join(this.folder, name, 'data.new'));
    }
  }

  get(name: string): VolumeRecord | undefined {
    return this.#records.get(name);
  }

  /** By name. */
  all(): VolumeRecord[] {
    return [...this.#records.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  dataOf(name: string): string {
    return join(this.folder, name, 'data');
  }

  isEmpty(name: string): boolean {
    const folder = fs.opendirSync(this.dataOf(name));
    try {
      return folder.readSync() === null;
    } finally {
      folder.closeSync();
    }
  }

  refuseTaken(name: string): void {
    const isTaken = this.#records.has(name) || fs.existsSync(join(this.folder, name));
    if (!isTaken) return;
    throw new VoltError('ALREADY_EXISTS', `Volume '${name}' exists`, { hint: `volt volume inspect ${name}` });
  }

  /** An empty volume on its way. `fill` is given the folder of its files. */
  async make(record: VolumeRecord, fill: (data: string) => Promise<void>): Promise<void> {
    this.refuseTaken(record.name);
    const staged = uniqueName(this.folder, '.new');
    try {
      await withFsErrors(`The volume '${record.name}'`, async () => {
        fs.mkdirSync(staged, { mode: 0o700 });
        const data = join(staged, 'data');
        fs.mkdirSync(data, { mode: 0o755 });
        fs.chmodSync(data, 0o755);
        fs.writeFileSync(join(staged, 'volume.json'), `${JSON.stringify(record, undefined, 2)}\n`, {
          mode: 0o600,
          flush: true,
        });
        await fill(data);
        // Somebody else may have been given the name while this one was filled.
        this.refuseTaken(record.name);
        syncFolder(staged);
        fs.renameSync(staged, join(this.folder, record.name));
        this.#records.set(record.name, record);
        syncFolder(this.folder);
      });
    } catch (thrown) {
      await this.clear(staged);
      throw thrown;
    }
  }

  /** Replaces the files of an empty volume with others, in one step. */
  async refill(name: string, fill: (data: string) => Promise<void>): Promise<void> {
    const staged = join(this.folder, name, 'data.new');
    await this.clear(staged);
    try {
      await withFsErrors(`The volume '${name}'`, async () => {
        fs.mkdirSync(staged, { mode: 0o755 });
        await fill(staged);
        // Fails where there is a file after all.
        fs.renameSync(staged, this.dataOf(name));
        syncFolder(join(this.folder, name));
      });
    } catch (thrown) {
      await this.clear(staged);
      throw thrown;
    }
  }

  /** From here on it is gone, whatever happens to this process. */
  async remove(name: string): Promise<void> {
    const aside = uniqueName(this.folder, '.deleted');
    fs.renameSync(join(this.folder, name), aside);
    syncFolder(this.folder);
    this.#records.delete(name);
    await this.clear(aside);
  }

  /** Makes what was written survive a power loss, the contents of many files too. */
  async flush(folder: string): Promise<void> {
    await this.#run(['/usr/bin/sync', '-f', folder], 'flush');
  }

  /** Bytes of the disk. Null where counting takes too long. */
  async sizeOf(name: string): Promise<number | null> {
    const argv = ['/usr/bin/du', '--summarize', '--block-size=1', '--one-file-system', '--', this.dataOf(name)];
    try {
      // Not all can be counted while files come and go; what was counted is told all the same.
      const { stdout } = await this.#programs.run(argv, { signal: new AbortController().signal });
      return /^\d+\t/.test(stdout) ? Number.parseInt(stdout, 10) : null;
    } catch (thrown) {
      if (thrown instanceof VoltError && thrown.code === 'TIMEOUT') return null;
      throw thrown;
    }
  }

  /** By a program: folders may lie deeper than a path is long. */
  async clear(path: string): Promise<void> {
    if (!fs.existsSync(path)) return;
    await this.#run(['/usr/bin/rm', '-rf', '--one-file-system', '--', path], 'remove');
  }

  async #run(argv: readonly string[], what: string): Promise<void> {
    const { code, stderr } = await this.#programs.run(argv, {
      signal: new AbortController().signal,
      timeoutMs: SLOW_MS,
    });
    if (code !== 0) throw new VoltError('DEPENDENCY', `Could not ${what} ${argv.at(-1)}: ${stderr.trim()}`);
  }
}

function readRecord(path: string): VolumeRecord | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw thrown;
  }
  try {
    return VolumeRecord.parse(JSON.parse(text));
  } catch (cause) {
    throw new VoltError('INVALID_CONFIG', `'${path}' is damaged`, {
      hint: 'restore it, or move its folder elsewhere to give the volume up',
      cause,
    });
  }
}

function syncFolder(path: string): void {
  const fd = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

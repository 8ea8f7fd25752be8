/** The volumes of this node: made, filled, counted, copied and deleted, and kept from being deleted while in use. */
import { VoltError } from '@volt/shared/errors';
import { didYouMean, parseBytes } from '@volt/shared/lib';
import type { Mount, VolumeDetail, VolumeSpec, VolumeSummary } from '@volt/shared/model';
import type { Programs, ProjectQuotas, SpecialFiles, Xattrs } from '../host/index.ts';
import { decompressed } from '../tar/index.ts';
import { copy } from './copy.ts';
import { pack } from './pack.ts';
import { freeProject } from './projects.ts';
import type { VolumeRecord } from './record.ts';
import { Shelf } from './shelf.ts';
import { Turns } from './turns.ts';
import { unpack } from './unpack.ts';

export interface VolumesOptions {
  readonly folder: string;
  readonly programs: Programs;
  readonly quotas: ProjectQuotas;
  readonly specials: SpecialFiles;
  readonly xattrs: Xattrs;
  /** Every container there is or is about to be, and what it has. */
  readonly users: () => readonly VolumeUser[];
  readonly now: () => Date;
}

export interface VolumeUser {
  readonly container: string;
  readonly mounts: readonly Mount[];
}

/** What a container that is made asks of its volumes. */
export interface Ensure {
  readonly container: string;
  readonly mounts: readonly Mount[];
  /** What its image has at a path, as a tar archive. Undefined where that is no folder. */
  readonly fromImage: (path: string) => AsyncIterable<Uint8Array> | undefined;
}

export interface PrunedVolume {
  readonly name: string;
  readonly sizeBytes: number | null;
  readonly createdAt: string;
}

export type OnProgress = (progress: { readonly line: string; readonly done: number }) => Promise<void>;

export class Volumes {
  readonly #options: VolumesOptions;
  readonly #shelf: Shelf;
  readonly #turns = new Turns();
  /** Volumes that are being read, with how often. */
  readonly #readers = new Map<string, number>();
  /** Numbers of volumes that are on their way. */
  readonly #projects = new Set<number>();

  constructor(options: VolumesOptions) {
    this.#options = options;
    this.#shelf = new Shelf(options.folder, options.programs);
  }

  /** Undoes what a killed agent left half done. Run once, before anything else but after the containers are known. */
  async recover(): Promise<void> {
    await this.#shelf.load();
    const orphans = this.#shelf
      .all()
      .filter(({ name, isAnonymous }) => isAnonymous && this.#usersOf(name).length === 0);
    for (const { name } of orphans) await this.#shelf.remove(name);
  }

  create(spec: VolumeSpec): Promise<VolumeSummary> {
    return this.#turns.take(spec.name, async () => {
      await this.#make(spec, false, async () => {});
      return this.#summary(this.#existing(spec.name));
    });
  }

  list(): VolumeSummary[] {
    return this.#shelf.all().map((record) => this.#summary(record));
  }

  async inspect(name: string): Promise<VolumeDetail> {
    const record = this.#existing(name);
    const users = this.#usersOf(name);
    const sizeBytes = await this.#shelf.sizeOf(name);
    return { ...this.#summary(record), path: this.#shelf.dataOf(name), sizeBytes, users };
  }

  delete(name: string): Promise<{ name: string; deleted: boolean }> {
    return this.#turns.take(name, async () => {
      if (this.#shelf.get(name) === undefined) return { name, deleted: false };
      const users = this.#usersOf(name).map(({ container }) => container);
      if (users.length > 0) {
        throw new VoltError('CONFLICT', `Volume '${name}' is in use by ${users.join(', ').slice(0, 500)}`, {
          hint: `volt container delete ${users[0]}`,
        });
      }
      this.#refuseRead(name);
      await this.#shelf.remove(name);
      return { name, deleted: true };
    });
  }

  async prune(isDryRun: boolean): Promise<PrunedVolume[]> {
    const pruned: PrunedVolume[] = [];
    for (const { name, createdAt } of this.#shelf.all()) {
      await this.#turns.take(name, async () => {
        if (this.#shelf.get(name) === undefined || this.#usersOf(name).length > 0 || this.#readers.has(name)) return;
        pruned.push({ name, sizeBytes: await this.#shelf.sizeOf(name), createdAt });
        // It may have been given to a container while its files were counted.
        if (!isDryRun && this.#usersOf(name).length === 0) await this.#shelf.remove(name);
      });
    }
    return pruned;
  }

  async clone(name: string, to: string, onProgress: OnProgress, signal: AbortSignal): Promise<VolumeSummary> {
    const { specials, xattrs } = this.#options;
    const { size, labels } = this.#existing(name);
    const spec = { name: to, labels, ...(size !== undefined && { size }) };
    using _ = this.#read(name);
    // Not in a turn: others need not wait for it, and the name is had by who is done first.
    await this.#make(spec, false, async (data) => {
      const onEntries = (done: number) => onProgress({ line: 'Copying', done });
      await copy({ from: this.#shelf.dataOf(name), to: data, specials, xattrs, signal, onEntries });
      await this.#shelf.flush(data);
    });
    return this.#summary(this.#existing(to));
  }

  async *export(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#existing(name);
    using _ = this.#read(name);
    yield* pack(this.#shelf.dataOf(name), this.#options.xattrs, signal);
  }

  /** Makes a volume of an archive, plain or packed. One that is broken or hostile is INVALID_CONFIG and makes none. */
  async import(
    spec: VolumeSpec,
    source: AsyncIterable<Uint8Array>,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<VolumeSummary> {
    await this.#make(spec, false, async (data) => {
      const onEntries = (done: number) => onProgress({ line: 'Unpacking', done });
      await this.#unpack({ archive: decompressed(source), folder: data, size: spec.size, signal, onEntries });
    });
    return this.#summary(this.#existing(spec.name));
  }

  /**
   * Makes those of a container's volumes that are not there, and fills those
   * that were never used with what its image has at their paths. Resolves with
   * those that were made. On failure there is none of them.
   */
  async ensure({ container, mounts, fromImage }: Ensure, signal: AbortSignal): Promise<string[]> {
    const made: string[] = [];
    try {
      for (const mount of mounts) {
        if (mount.type !== 'volume') continue;
        const { source: name, target, isAnonymous = false } = mount;
        await this.#turns.take(name, async () => {
          if (this.#shelf.get(name) === undefined) {
            await this.#make({ name, labels: {} }, isAnonymous, async () => {});
            made.push(name);
          }
          // Whoever has it sees the folder that it has, and would not see another.
          const isShared = this.#usersOf(name).some((user) => user.container !== container);
          if (!isShared && !this.#readers.has(name)) await this.#fill(name, () => fromImage(target), signal);
        });
      }
    } catch (thrown) {
      await this.#discard(made, container);
      throw thrown;
    }
    return made;
  }

  /** Deletes those that nobody has: what a container that could not be made was to have, or one that is gone had. */
  async discard(names: readonly string[]): Promise<void> {
    await this.#discard(names, undefined);
  }

  async #discard(names: readonly string[], except: string | undefined): Promise<void> {
    for (const name of names) {
      await this.#turns.take(name, async () => {
        const others = this.#usersOf(name).filter(({ container }) => container !== except);
        if (others.length === 0 && this.#shelf.get(name) !== undefined) await this.#shelf.remove(name);
      });
    }
  }

  async #fill(name: string, find: () => AsyncIterable<Uint8Array> | undefined, signal: AbortSignal): Promise<void> {
    const archive = this.#shelf.isEmpty(name) ? find() : undefined;
    if (archive === undefined) return;
    const { size, project } = this.#existing(name);
    await this.#shelf.refill(name, async (folder) => {
      if (project !== undefined) this.#options.quotas.assign(folder, project);
      await this.#unpack({ archive, folder, size, signal, onEntries: undefined });
    });
  }

  async #unpack(
    what: Pick<Parameters<typeof unpack>[0], 'archive' | 'folder' | 'signal' | 'onEntries'> & {
      readonly size: string | undefined;
    },
  ): Promise<void> {
    const { size, ...rest } = what;
    // The kernel does not hold root to a limit, and it is root who unpacks.
    const bytesMax = size === undefined ? undefined : parseBytes(size)!;
    await unpack({ ...rest, bytesMax, specials: this.#options.specials });
    await this.#shelf.flush(rest.folder);
  }

  async #make(spec: VolumeSpec, isAnonymous: boolean, fill: (data: string) => Promise<void>): Promise<void> {
    // Before the work, not after it.
    this.#shelf.refuseTaken(spec.name);
    const { quotas, now, folder } = this.#options;
    const record: VolumeRecord = { ...spec, isAnonymous, createdAt: now().toISOString() };
    const bytes = spec.size === undefined ? undefined : parseBytes(spec.size)!;
    if (bytes === undefined) return this.#shelf.make(record, fill);

    if (!quotas.areEnforced(folder)) throw noQuotas(folder);
    const project = freeProject([...this.#shelf.all().flatMap((one) => one.project ?? []), ...this.#projects]);
    this.#projects.add(project);
    try {
      await this.#shelf.make({ ...record, project }, async (data) => {
        if (!quotas.assign(data, project) || !quotas.limit(data, project, bytes)) throw noQuotas(folder);
        await fill(data);
      });
    } finally {
      this.#projects.delete(project);
    }
  }

  #existing(name: string): VolumeRecord {
    const record = this.#shelf.get(name);
    if (record !== undefined) return record;
    const names = this.#shelf.all().map((one) => one.name);
    throw new VoltError('NOT_FOUND', `There is no volume '${name}'`, {
      hint: didYouMean(name, names) ?? 'volt volume list',
    });
  }

  #summary({ name, size, labels, isAnonymous, createdAt }: VolumeRecord): VolumeSummary {
    const usedBy = [...new Set(this.#usersOf(name).map(({ container }) => container))];
    return { name, ...(size !== undefined && { size }), labels, isAnonymous, usedBy, createdAt };
  }

  #usersOf(name: string): { container: string; target: string; readOnly: boolean }[] {
    return this.#options
      .users()
      .flatMap(({ container, mounts }) =>
        mounts.flatMap((mount) =>
          mount.type === 'volume' && mount.source === name
            ? [{ container, target: mount.target, readOnly: mount.readOnly }]
            : [],
        ),
      );
  }

  #refuseRead(name: string): void {
    if (!this.#readers.has(name)) return;
    throw new VoltError('CONFLICT', `Volume '${name}' is being read`, { hint: 'wait for the clone or export to end' });
  }

  #read(name: string): Disposable {
    this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#readers.get(name) ?? 1) - 1;
        if (left === 0) this.#readers.delete(name);
        else this.#readers.set(name, left);
      },
    };
  }
}

const noQuotas = (folder: string): VoltError =>
  new VoltError('DEPENDENCY', `The file system of ${folder} cannot hold a volume to a size`, {
    hint: 'mount ext4 or XFS with the option prjquota there, or make the volume without --size',
  });

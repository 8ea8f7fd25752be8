/** Copying into and out of containers, and making images and other containers of them. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerStatus, ImageSummary } from '@volt/shared/model';
import type { FileChange, FileLook } from '@volt/shared/rpc';
import type { Files, OpenProgram } from '../../host/index.ts';
import { type ByteReader, ENTRIES_MAX, textOf, type Tree } from '../../store/index.ts';
import type { TarEntry } from '../../tar/index.ts';
import type { Driver, Reach } from '../drivers/driver.ts';
import type { Images } from '../engine.ts';
import { isUp, type Known } from '../known.ts';
import { type RawChange, rawChangesOf, shownChange } from './changes.ts';
import type { FileAccess } from './file-access.ts';
import type { CommitRequest, Emit, FileOperations, PackRequest, UnpackRequest } from './file-operations.ts';
import { fromTar } from './from-tar.ts';
import { withInstructions } from './instructions.ts';
import { badContents, plainPath } from './names.ts';
import { encodeNames, readRecord, readRecords } from './records.ts';
import { refuseMounted } from './mounted.ts';
import { Stillness } from './stillness.ts';
import { toTar, type TarOptions } from './to-tar.ts';
import { reading, writing } from './work.ts';

export interface ContainerFilesOptions {
  readonly known: Known;
  readonly driver: Driver & Reach;
  readonly access: FileAccess;
  readonly images: Images;
  readonly files: Files;
  readonly containers: string;
  /** Makes a container like another; `fill` is called before anybody knows of it. */
  readonly define: (like: ContainerConfig, to: string, fill: Fill) => Promise<void>;
  readonly start: (name: string, signal: AbortSignal) => Promise<ContainerStatus>;
}

export type Fill = (config: ContainerConfig) => Promise<void>;

/** Starts work on its files, wherever those are at this moment. */
type Open = (verb: readonly string[]) => Promise<OpenProgram>;

/** As the kernel follows at most. */
const LINKS_MAX = 40;
const CHANGES_AT_ONCE = 500;

const WHOLE: TarOptions = { keepOwner: true, devices: true };

export class ContainerFiles implements FileOperations {
  readonly #options: ContainerFilesOptions;
  readonly #stillness: Stillness;

  constructor(options: ContainerFilesOptions) {
    this.#options = options;
    this.#stillness = new Stillness(options);
  }

  look(name: string, { path, follow }: { path: string; follow: boolean }, signal: AbortSignal) {
    return this.#reach(name, path, signal, async (open) => {
      for (let at = path, links = 0; links <= LINKS_MAX; links++) {
        const found = await lookAt(at, open, signal);
        if (found === null || found.type !== 'symlink' || !follow) return found;
        at = found.target!.startsWith('/') ? found.target! : `${at.slice(0, at.lastIndexOf('/') + 1)}${found.target}`;
      }
      throw new VoltError('CONFLICT', `'${path}' leads through more than ${LINKS_MAX} links`);
    });
  }

  pack(name: string, request: PackRequest, emit: Emit<Uint8Array>, signal: AbortSignal): Promise<number> {
    const { path, as, follow, keepOwner } = request;
    const verb = ['pack', path, as, ...(follow ? ['-L'] : [])];
    return this.#reach(name, path, signal, (open) =>
      sendTar(() => open(verb), { keepOwner, devices: false }, emit, signal),
    );
  }

  async unpack(name: string, { path, ...archive }: UnpackRequest, signal: AbortSignal) {
    const copied = { entries: 0, sizeBytes: 0 };
    await this.#reach(name, path, signal, (open) =>
      writing(() => open(['unpack', path]), fromTar(archive, copied), signal),
    );
    return copied;
  }

  async changes(name: string, emit: Emit<FileChange[]>, signal: AbortSignal): Promise<number> {
    const { known, images } = this.#options;
    const config = known.existing(name);
    const changes = await this.#changes(config, images.tree(config.image.tree), signal);
    for (let at = 0; at < changes.length; at += CHANGES_AT_ONCE) {
      await emit(changes.slice(at, at + CHANGES_AT_ONCE).map(shownChange));
    }
    return changes.length;
  }

  async export(name: string, emit: Emit<Uint8Array>, signal: AbortSignal): Promise<number> {
    const { known } = this.#options;
    const config = known.existing(name);
    const { state } = await known.status(name);
    // A long one must not keep a running container from being stopped: the files stay reachable to who began.
    if (isUp(state)) return this.#export(config, emit, signal);
    return known.on(name, signal, (current) => this.#export(current, emit, signal));
  }

  commit(name: string, request: CommitRequest, onLine: Emit<string>, signal: AbortSignal): Promise<ImageSummary> {
    const { known, images } = this.#options;
    return known.on(name, signal, async (config) => {
      const { config: base } = await images.open(config.image.manifest);
      const image = {
        name: request.image,
        base: config.image.manifest,
        tree: images.tree(config.image.tree),
        config: withInstructions(base, request.change),
        step: { author: request.author, comment: request.message, createdBy: `volt container commit ${name}` },
      };
      await onLine('Reading what changed');
      let letGo = async () => {};
      // For no longer than its files are read: not while the image is put together, before and after.
      const readChanges = async () => {
        if (request.pause) letGo = await this.#stillness.hold(name);
        const changes = await this.#changes(config, image.tree, signal);
        const removed = changes.filter(({ change }) => change === 'D').map(({ path }) => path);
        return { removed, source: andThen(await this.#changedTar(config, changes, signal), letGo) };
      };
      try {
        return await images.commit(image, readChanges, signal);
      } finally {
        await letGo();
      }
    });
  }

  async clone(name: string, { to, start }: { to: string; start: boolean }, signal: AbortSignal) {
    const { known, access, define } = this.#options;
    await known.on(name, signal, (config) =>
      define(config, to, async (made) => {
        await this.#stillness.during(name, () => access.copyUpper(config, made, signal));
        await access.settle(made, signal);
      }),
    );
    return start ? this.#options.start(to, signal) : known.status(to);
  }

  /** Lets a container go on that an agent which was killed held still. */
  release(name: string): Promise<void> {
    return this.#stillness.release(name);
  }

  async #export(config: ContainerConfig, emit: Emit<Uint8Array>, signal: AbortSignal): Promise<number> {
    return send(await this.#wholeTar(config, signal), emit);
  }

  async #changes(config: ContainerConfig, tree: Tree, signal: AbortSignal): Promise<RawChange[]> {
    const { access } = this.#options;
    const found: TarEntry[] = [];
    for await (const entry of reading(() => access.upper(config, ['list', '/', '.']), signal, readRecords)) {
      if (found.length >= ENTRIES_MAX) throw new VoltError('RESOURCE', `More than ${ENTRIES_MAX} files were changed`);
      found.push({ ...entry, name: plainPath(entry.name, badContents) });
    }
    return rawChangesOf(tree, found);
  }

  /** The root and all that was added or changed, as it is seen inside. */
  async #changedTar(config: ContainerConfig, changes: readonly RawChange[], signal: AbortSignal) {
    const { access, images } = this.#options;
    const lower = await images.ensureLower(config.image.tree, signal);
    const kept = changes.filter(({ change }) => change !== 'D').map(({ path }) => path);
    const open = () => access.whole(config, lower, ['each', '/']);
    return reading(open, signal, (reader) => toTar(reader, WHOLE), encodeNames(['.', ...kept]));
  }

  async #wholeTar(config: ContainerConfig, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    const { access, images } = this.#options;
    const lower = await images.ensureLower(config.image.tree, signal);
    const open = () => access.whole(config, lower, ['pack', '/', '.']);
    return reading(open, signal, (reader) => toTar(reader, WHOLE));
  }

  /** Of one that is down, nothing else happens meanwhile: a start would use the same files in another mount. */
  async #reach<T>(name: string, path: string, signal: AbortSignal, work: (open: Open) => Promise<T>): Promise<T> {
    const { known, access, images } = this.#options;
    const inside = (config: ContainerConfig) => work((verb) => access.inside(config, verb));
    const isRunning = async () => ['running', 'paused'].includes((await known.status(name)).state);
    const config = known.existing(name);
    if (await isRunning()) return inside(config);
    return known.on(name, signal, async (current) => {
      if (await isRunning()) return inside(current);
      const { state } = await known.status(name);
      if (isUp(state) || state === 'stopping') throw new VoltError('CONFLICT', `Container '${name}' is ${state}`);
      refuseMounted(current, path);
      const lower = await images.ensureLower(current.image.tree, signal);
      return work((verb) => access.atRest(current, lower, verb));
    });
  }
}

async function lookAt(path: string, open: Open, signal: AbortSignal): Promise<FileLook | null> {
  const one = async function* (reader: ByteReader) {
    yield await readRecord(reader);
  };
  try {
    for await (const entry of reading(() => open(['look', path]), signal, one)) {
      if (entry === undefined) continue;
      const { type, mode, uid, gid, sizeBytes, linkName } = entry;
      // A file of several names is a file, looked at alone.
      const kind = type === 'hardlink' ? 'file' : type;
      const target = type === 'symlink' ? { target: textOf(linkName) ?? linkName } : {};
      return { path, type: kind, mode, uid, gid, sizeBytes, ...target };
    }
  } catch (thrown) {
    if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
  }
  return null;
}

const sendTar = (
  open: () => Promise<OpenProgram>,
  options: TarOptions,
  emit: Emit<Uint8Array>,
  signal: AbortSignal,
): Promise<number> =>
  send(
    reading(open, signal, (reader) => toTar(reader, options)),
    emit,
  );

async function* andThen<T>(items: AsyncIterable<T>, act: () => Promise<void>): AsyncGenerator<T> {
  yield* items;
  await act();
}

async function send(chunks: AsyncIterable<Uint8Array>, emit: Emit<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    await emit(chunk);
    sizeBytes += chunk.byteLength;
  }
  return sizeBytes;
}

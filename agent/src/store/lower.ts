/**
 * Lowers: trees laid out as read-only folders that containers put their
 * overlay on. Made once for each tree, in the best way this machine has; what
 * was made in another way stays as it is for as long as it can be mounted.
 *
 * A lower is built beside its place and moved there when it is complete, so
 * whoever finds one finds all of it, whenever the builder died.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, checkDigest, isDigest } from './digest.ts';
import { flushFileSystem, fsyncFolder, uniqueName } from './durable.ts';
import { errnoOf, withFsErrors } from './fs-errors.ts';
import type { Holds } from './holds.ts';
import { UNFINISHED } from './layout.ts';
import { buildLower } from './lower-build.ts';
import type { LowerChoice } from './lower-probe.ts';
import { type LowerWay, readRecord, writeRecord } from './lower-way.ts';
import type { Objects } from './objects.ts';
import type { Programs, SpecialFiles } from '../host/index.ts';
import { contentsOf } from './tree.ts';
import { decodeTree } from './tree-codec.ts';

export interface LowerPorts {
  readonly holds: Holds;
  readonly programs: Programs;
  readonly specials: SpecialFiles;
}

export class Lowers {
  readonly #objects: Objects;
  readonly #ports: LowerPorts;
  readonly #choice: LowerChoice;
  readonly #building = new Map<Digest, Promise<string>>();

  constructor(objects: Objects, ports: LowerPorts, choice: LowerChoice) {
    this.#objects = objects;
    this.#ports = ports;
    this.#choice = choice;
  }

  /** How the next lowers are made. */
  get way(): LowerWay {
    return this.#choice.way;
  }

  /** Why that is not a better way; null for the best. */
  get reason(): string | null {
    return this.#choice.reason;
  }

  /** How this one was made. A redirect tree needs the objects of its tree; the other ways need none. */
  wayOf(tree: Digest): LowerWay | undefined {
    return this.has(tree) ? readRecord(dirname(this.pathOf(tree))).way : undefined;
  }

  /** Where the lower of a tree is, or would be. */
  pathOf(tree: Digest): string {
    return join(this.#objects.layout.images, checkDigest(tree), 'rootfs');
  }

  has(tree: Digest): boolean {
    return existsSync(this.pathOf(tree));
  }

  list(): Digest[] {
    return readdirSync(this.#objects.layout.images).filter((name) => isDigest(name));
  }

  /** The folder of this tree; made when it is not there. Callers for one tree share one build. */
  async materialise(tree: Digest): Promise<string> {
    const path = this.pathOf(tree);
    if (this.#isUsable(path)) return path;
    let building = this.#building.get(tree);
    if (building === undefined) {
      building = withFsErrors(`Cannot lay out tree ${tree}`, () => this.#build(tree, path));
      this.#building.set(tree, building);
      const done = (): boolean => this.#building.delete(tree);
      void building.then(done, done);
    }
    return building;
  }

  /** Takes a lower away that nothing mounts: at once, though its files take longer. Removing an absent one succeeds. */
  async remove(tree: Digest): Promise<void> {
    await discard(this.#moveAside(tree));
  }

  /** One that no container can run on is not usable, and is made again in the way that there is. */
  #isUsable(path: string): boolean {
    if (!existsSync(path)) return false;
    const { way, objects } = readRecord(dirname(path));
    return way !== 'redirect' || (this.#choice.canRedirect && objects === this.#objects.layout.objects);
  }

  async #build(digest: Digest, path: string): Promise<string> {
    const { way } = this.#choice;
    // What leads to objects must not be complete when they are gone.
    using hold = this.#ports.holds.open();
    hold.add(digest);
    const tree = decodeTree(this.#objects.read(digest));
    for (const content of contentsOf(tree).keys()) hold.add(content);
    const { images, objects } = this.#objects.layout;
    const staging = uniqueName(images, UNFINISHED);
    // Images hold setuid programs: no user of the host may walk in.
    mkdirSync(staging, { mode: 0o700 });
    try {
      // Nor may the group of the folder above be handed down, as a setgid bit would.
      chmodSync(staging, 0o700);
      const rootfs = join(staging, 'rootfs');
      await buildLower({ tree, way, rootfs, objects: this.#objects, specials: this.#ports.specials });
      writeRecord(staging, { way, objects });
      await flushFileSystem(staging, this.#ports.programs);
      const old = this.#moveAside(digest);
      renameSync(staging, dirname(path));
      fsyncFolder(images);
      await discard(old);
    } catch (thrown) {
      rmSync(staging, { recursive: true, force: true });
      throw thrown;
    }
    return path;
  }

  /** Where what was in the place is afterwards; undefined where there was nothing. */
  #moveAside(tree: Digest): string | undefined {
    const aside = uniqueName(this.#objects.layout.images, UNFINISHED);
    try {
      renameSync(dirname(this.pathOf(tree)), aside);
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw thrown;
    }
    return aside;
  }
}

/** Not in one go: of ten thousand files that would keep everybody waiting. */
const discard = async (aside: string | undefined): Promise<void> => {
  if (aside !== undefined) await rm(aside, { recursive: true, force: true });
};

/**
 * Lowers: trees laid out as read-only folders that containers put their
 * overlay on. Made once for each tree, mostly of hard links to objects.
 *
 * A lower is built beside its place and moved there when it is complete, so
 * whoever finds one finds all of it, whenever the builder died.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Digest, checkDigest, isDigest } from './digest.ts';
import { flushFileSystem, fsyncFolder, uniqueName } from './durable.ts';
import { errnoOf, withFsErrors } from './fs-errors.ts';
import { UNFINISHED } from './layout.ts';
import { buildLower } from './lower-build.ts';
import type { Objects } from './objects.ts';
import type { Programs, SpecialFiles } from '../host/index.ts';
import { decodeTree } from './tree-codec.ts';

export interface LowerPorts {
  readonly programs: Programs;
  readonly specials: SpecialFiles;
}

export class Lowers {
  readonly #objects: Objects;
  readonly #ports: LowerPorts;
  readonly #building = new Map<Digest, Promise<string>>();

  constructor(objects: Objects, ports: LowerPorts) {
    this.#objects = objects;
    this.#ports = ports;
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
    if (existsSync(path)) return path;
    let building = this.#building.get(tree);
    if (building === undefined) {
      building = withFsErrors(`Cannot lay out tree ${tree}`, () => this.#build(tree, path));
      this.#building.set(tree, building);
      const done = (): boolean => this.#building.delete(tree);
      void building.then(done, done);
    }
    return building;
  }

  /** Takes a lower away that nothing mounts. Removing an absent one succeeds. */
  remove(tree: Digest): void {
    const going = uniqueName(this.#objects.layout.images, UNFINISHED);
    try {
      renameSync(dirname(this.pathOf(tree)), going);
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return;
      throw thrown;
    }
    rmSync(going, { recursive: true, force: true });
  }

  async #build(digest: Digest, path: string): Promise<string> {
    const tree = decodeTree(this.#objects.read(digest));
    const { images } = this.#objects.layout;
    const staging = uniqueName(images, UNFINISHED);
    // Images hold setuid programs: no user of the host may walk in.
    mkdirSync(staging, { mode: 0o700 });
    try {
      const rootfs = join(staging, 'rootfs');
      await buildLower({ tree, rootfs, objects: this.#objects, specials: this.#ports.specials });
      await flushFileSystem(staging, this.#ports.programs);
      renameSync(staging, dirname(path));
      fsyncFolder(images);
    } catch (thrown) {
      rmSync(staging, { recursive: true, force: true });
      throw thrown;
    }
    return path;
  }
}

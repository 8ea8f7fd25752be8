/** A container that is being made, in the real store, while its image loses its name and all is collected. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Cas } from '@volt/agent/cas';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import { Images } from '@volt/agent/images';
import { openStore } from '@volt/agent/store';
import { END_OF_TAR, paddingOf, tarHeader } from '@volt/agent/tar';
import { expect, test, vi } from 'vitest';
import { ContainerEngine } from '../../agent/src/engine/container-engine.ts';
import { FakeAccess } from '../../agent/src/engine/files/fake-access.ts';
import { FakeDriver, imagesOf, networkOf, paths, spec, stillClock } from '../../agent/src/engine/testing.ts';
import { MemoryFiles } from '../../agent/src/host/testing.ts';
import { entry } from '../../agent/src/engine/files/testing.ts';
import { tempFolder } from '../../agent/src/store/testing.ts';

const { signal } = new AbortController();
const now = () => new Date();

async function* archive(program: string) {
  yield tarHeader(entry('dir', 'bin/', { mode: 0o755 }));
  yield tarHeader(entry('file', 'bin/app', { mode: 0o755, sizeBytes: program.length }));
  yield Buffer.from(program);
  yield Buffer.concat([paddingOf(program.length), END_OF_TAR]);
}

async function world() {
  const folder = tempFolder();
  const root = join(folder, 'cas');
  const where = { root, images: join(folder, 'images'), lowers: 'hardlink' } as const;
  const programs = new NodePrograms();
  const store = await openStore({ ...where, programs, specials: kernelSpecialFiles });
  // As the agent wires them: each asks the other.
  const inUse = () => engine.inUse();
  const usersOf = async (what: 'image' | 'tree', digest: string) =>
    inUse()
      .filter(({ image }) => image[what === 'image' ? 'manifest' : 'tree'] === digest)
      .map(({ name }) => name);
  const images = new Images({ store, programs, usersOf, scratch: join(root, 'tmp'), now });
  const treesInUse = async () => inUse().flatMap(({ image }) => [image.tree, image.manifest]);
  const cas = new Cas({ store, treesInUse, peers: async () => [], now });
  const forEngine = {
    ...imagesOf({}),
    resolve: (name: string) => images.resolve(name),
    open: (manifest: string) => images.open(manifest),
    ensureLower: (tree: string) => images.ensureLower(tree, signal),
  };
  const engine = new ContainerEngine({
    files: new MemoryFiles(),
    driver: new FakeDriver(),
    access: new FakeAccess(),
    images: forEngine,
    network: networkOf(),
    clock: stillClock,
    containers: paths.containers,
  });
  await engine.recover(signal);
  await images.importTar({ name: 'app', source: archive('a program'), config: { cmd: ['/bin/app'] } }, signal);
  const { tree } = await images.resolve('app');
  return { store, images, cas, forEngine, engine, tree };
}

test('what it will run from stays, though its image loses its name before it is written down', async () => {
  const { store, images, cas, forEngine, engine, tree } = await world();
  const manifest = store.refs.images.get('app', 'latest')!;
  const laidOut = Promise.withResolvers<void>();
  const { ensureLower } = forEngine;
  vi.spyOn(forEngine, 'ensureLower').mockImplementationOnce(async (wanted) => {
    const lower = await ensureLower(wanted);
    await laidOut.promise;
    return lower;
  });
  const created = engine.create(spec('web'), signal);
  await vi.waitFor(() => expect(forEngine.ensureLower).toHaveBeenCalled());
  await expect(images.names.delete('app')).rejects.toMatchObject({ code: 'CONFLICT' });
  images.names.untag('app');
  await cas.collect(false, { signal });
  laidOut.resolve();
  await created;
  await cas.collect(false, { signal });
  expect(store.objects.has(manifest)).toBe(true);
  expect(existsSync(join(store.lowers.pathOf(tree), 'bin/app'))).toBe(true);
  await engine.delete('web', false, signal);
  await cas.collect(false, { signal });
  expect(store.objects.has(manifest)).toBe(false);
  expect(existsSync(store.lowers.pathOf(tree))).toBe(false);
});
